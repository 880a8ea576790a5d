#!/usr/bin/python3
"""A daemon that moves nothing, for trials without Xen: fake-daemon.py DIRECTORY answers `status` on its control socket.

Vnode 0 grows by 32 MiB with each answer, up to 256 MiB, where the guard holds it. The size of vnode 1 is not known."""
import json
import os
import socket
import sys


def vnode(number, kib, reason, detail, available):
    target = 384 * 1024
    return {
        "vnode": number, "linux_node": number, "size_kib": 512 * 1024, "target_kib": target, "forced_kib": None,
        "balloon_kib": kib, "state": "held" if reason else "inflating", "reason": reason, "lost_kib": 0,
        "detail": detail, "audited_extents": None, "extents": None, "node_free_kib": available,
        "node_available_kib": available, "node_kept_kib": available and 64 * 1024}


def report(answers):
    kib = min(256, 32 * answers) * 1024
    vnodes = [
        vnode(0, kib, "guard" if kib == 256 * 1024 else None, None, 96 * 1024),
        vnode(1, None, "failed", "the file of vnode 1 cannot be read", None)]
    return {
        "schema": 1, "domain": {
            "type": "PVH", "current_reservation_kib": 1024 * 1024 - kib, "maximum_reservation_kib": 1024 * 1024,
            "static_max_kib": None, "legacy_target_kib": None},
        "interface": "vnode", "fallback": False, "backend": "privcmd", "daemon": True, "granularity_kib": 2048,
        "unaccounted_kib": None, "force_error": None, "xenstore": "open", "drifted_kib": None,
        "pressure_permille": None, "vnodes": vnodes}


def main():
    listener = socket.socket(socket.AF_UNIX)
    os.makedirs(sys.argv[1], 0o700, exist_ok=True)
    listener.bind(sys.argv[1] + "/control.sock")
    listener.listen()
    answers = 0
    while True:
        client = listener.accept()[0]
        # One request a connection is what the commands that look make.
        if client.recv(256) == b"status\n":
            client.sendall(json.dumps(report(answers)).encode() + b"\n")
            answers += 1
        client.close()


main()
