import ArgumentParser
import BalloonPictures
import FoundationEssentials

struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Make a picture (SVG) of a record.",
        discussion: """
            On standard output: for each vnode its balloon over time, its target, and below that its state. Of what `host
            record` wrote: for each physical node its free memory, its balloons and their targets, and the states of its
            vnodes.

            \(Exit.codes(
                (Exit.usage, "usage, or the file is not a record"), (Exit.inputOutput, "the file cannot be read")))
            """)

    @Argument(help: "The file that record, or host record, wrote, or - for standard input.", completion: .file())
    var file: String

    func run() throws {
        let name = file == "-" ? "standard input" : file
        guard let bytes = try? Data(contentsOf: URL(filePath: file == "-" ? "/dev/stdin" : file)) else {
            Terminal.complain("\(name) cannot be read: is it there, and may you read it?")
            throw Exit.inputOutput
        }
        let record: Record
        do {
            record = try Record(bytes)
        } catch {
            Terminal.complain("\(name): \(error.description)")
            throw Exit.usage
        }
        guard let plot = Plot(record) else {
            Terminal.complain("\(name): there is no whole line in it")
            throw Exit.usage
        }
        Terminal.showText(plot.svg)
    }
}
