/* profile: a plugin of QEMU that counts the instructions of all that runs in the emulated machine, Xen's by block of
   code. It is loaded by QEMU on this machine and is not in the guest.

   -plugin profile.so,out=FILE

   Programs in the guest mark what they are doing (mark.h). At the end of each window FILE gets a line
   `WINDOW PHASE user|kernel INSTRUCTIONS` for each phase of it, and `WINDOW PHASE ADDRESS EXECUTIONS INSTRUCTIONS` for
   each block of Xen's; `kernel` is dom0's and the guest's. All processors take turns on one thread here, and so nothing
   is locked. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mark.h"

/* QEMU's interface, as its documentation describes it: Debian 12 packages no header. These are the parts used here. */
#define EXPORTED __attribute__((visibility("default")))
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0, ADD_INLINE = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*call)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation, void *at, uint64_t number);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*call)(unsigned, void *),
                                            int registers, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
EXPORTED extern int qemu_plugin_version;
EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);
int qemu_plugin_version = 1;

/* Where Xen's own code lies; above are the kernels. */
#define XEN_FIRST 0xffff82d040000000u
#define XEN_LAST 0xffff82d080000000u

enum { BUCKETS = 1 << 16 };
struct block {
    uint64_t address, length;          /* in instructions */
    uint64_t count, by_phase[PHASES];  /* executions: since the last mark, and until then */
    struct block *next;
};
static struct block *buckets[BUCKETS], user, kernel;
static enum phase phase;
static unsigned window;
static FILE *out;

/* A block may be cut where QEMU's clock needs it: then there are two with one address. */
static struct block *block_at(uint64_t address, uint64_t length)
{
    struct block **at = &buckets[address % BUCKETS];
    while (*at && ((*at)->address != address || (*at)->length != length))
        at = &(*at)->next;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        if (!*at)
            abort();
        (*at)->address = address;
        (*at)->length = length;
    }
    return *at;
}

static void end_phase_of(struct block *block)
{
    block->by_phase[phase] += block->count;
    block->count = 0;
}

static void end_phase(void)
{
    end_phase_of(&user);
    end_phase_of(&kernel);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct block *block = buckets[i]; block; block = block->next)
            end_phase_of(block);
}

static void write_total(const char *name, struct block *total)
{
    for (unsigned of = 0; of < PHASES; of++)
        fprintf(out, "%u %u %s %llu\n", window, of, name, (unsigned long long)total->by_phase[of]);
    memset(total->by_phase, 0, sizeof total->by_phase);
}

static void write_block(struct block *block)
{
    for (unsigned of = 0; of < PHASES; of++)
        if (block->by_phase[of])
            fprintf(out, "%u %u %llx %llu %llu\n", window, of, (unsigned long long)block->address,
                    (unsigned long long)block->by_phase[of],
                    (unsigned long long)(block->by_phase[of] * block->length));
    memset(block->by_phase, 0, sizeof block->by_phase);
}

static void end_window(void)
{
    write_total("user", &user);
    write_total("kernel", &kernel);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct block *block = buckets[i]; block; block = block->next)
            write_block(block);
    fflush(out);
    window++;
}

static void marked(unsigned processor, void *data)
{
    uintptr_t next = (uintptr_t)data;
    (void)processor;
    end_phase();
    if (next == WINDOW)
        end_window();
    phase = next == WINDOW ? REST_PHASE : (enum phase)next;
}

static void look_for_marks(struct qemu_plugin_tb *tb, size_t length)
{
    static const unsigned char begin[] = { MARK_BYTES };
    for (size_t i = 0; i < length; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const unsigned char *bytes = qemu_plugin_insn_data(insn);
        if (qemu_plugin_insn_size(insn) == MARK_SIZE && !memcmp(bytes, begin, sizeof begin) &&
            !memcmp(bytes + sizeof begin + 1, MARK_NAME, sizeof MARK_NAME - 1) && bytes[sizeof begin] <= WINDOW)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, NO_REGISTERS,
                                                   (void *)(uintptr_t)bytes[sizeof begin]);
    }
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint64_t address = qemu_plugin_tb_vaddr(tb), length = qemu_plugin_tb_n_insns(tb);
    (void)id;
    if (address >= XEN_FIRST && address < XEN_LAST) {
        qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_INLINE, &block_at(address, length)->count, 1);
        return;
    }
    bool is_user = !(address >> 63);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_INLINE, is_user ? &user.count : &kernel.count, length);
    if (is_user)
        look_for_marks(tb, length);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
    if (!out)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
