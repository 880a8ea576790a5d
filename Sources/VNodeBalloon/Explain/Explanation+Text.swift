extension Explanation {
    /// For people: a table of the figures, then the accounts.
    public var text: String {
        let width = values.map(\.name.count).max() ?? 0
        var lines = values.map { line($0.name, Int64($0.size.count), width) + "  \($0.meaning)" }
        for account in accounts {
            let names = account.terms.map(\.name) + [account.name, "unexplained"]
            let width = names.map(\.count).max() ?? 0
            lines += ["", account.name + ":"]
            lines += account.terms.map { "  " + line($0.name, $0.kib, width) }
            if account.unexplained != 0 { lines.append("  " + line("unexplained", account.unexplained, width)) }
            lines.append("  " + line("= " + account.name, Int64(account.size.count), width))
        }
        return lines.joined(separator: "\n")
    }

    private func line(_ name: String, _ kib: Int64, _ width: Int) -> String {
        let number = "\(kib)"
        return name + String(repeating: " ", count: max(0, width + 2 - name.count))
            + String(repeating: " ", count: max(0, 10 - number.count)) + number + " KiB"
    }

    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member("schema", 1)
            json.key("values")
            json.array(values) { json, value in
                json.object { json in
                    json.member("name", value.name)
                    json.member("kib", value.size)
                    json.member("meaning", value.meaning)
                }
            }
            json.key("accounts")
            json.array(accounts) { json, account in write(account, to: &json) }
        }
        return json.text
    }

    private func write(_ account: Account, to json: inout JSONWriter) {
        json.object { json in
            json.member("name", account.name)
            json.member("kib", account.size)
            json.key("terms")
            json.array(account.terms) { json, term in
                json.object { json in
                    json.member("name", term.name)
                    json.member("kib", term.kib)
                }
            }
            json.member("unexplained_kib", account.unexplained)
        }
    }
}
