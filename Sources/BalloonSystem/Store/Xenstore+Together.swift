internal import BalloonCore

// Many questions at once.
extension Xenstore {
    /// The most questions that are asked before an answer is waited for: xenstored keeps the answers until then.
    private static let mostTogether = 256
    /// As long as many answers are on their way it reads only now and then: to wake for each would cost more than all
    /// that xenstored does for it.
    private static let gathering = 16
    private static let gatherInterval: Interval = .microseconds(300)

    /// Asks one question of each path. All of them are on their way before the first answer is waited for.
    /// - Returns: the answers, which may be errors.
    func ask(_ kind: StoreMessage.Kind, of paths: [String]) throws(BalloonError) -> [StoreMessage] {
        var answers: [StoreMessage] = []
        answers.reserveCapacity(paths.count)
        while answers.count < paths.count {
            let count = min(Self.mostTogether, paths.count - answers.count)
            answers += try askTogether(kind, paths[answers.count..<answers.count + count])
        }
        return answers
    }

    private func askTogether(
        _ kind: StoreMessage.Kind, _ paths: ArraySlice<String>
    ) throws(BalloonError) -> [StoreMessage] {
        func what(_ place: Int) -> String { "cannot read \(paths[paths.startIndex + place]) in xenstore" }
        try checkOpen()
        try checkSilence { what(0) }
        var (numbers, answers): ([UInt32], [StoreMessage]) = ([], [])
        do throws(BalloonError) {
            if !isDevice { try send(kind, all: paths, &numbers) }
            for (place, path) in paths.enumerated() {
                // The device takes one question in one write, and old kernels wait there for its answer.
                if isDevice { numbers.append(try send(kind, StoreMessage.texts(path))) }
                answers.append(try gathered(numbers, place, what))
            }
        } catch {
            for number in numbers.dropFirst(answers.count) { dialogue.giveUp(number) }
            throw error
        }
        return answers
    }

    /// The answer at a place among those that are waited for together.
    private func gathered(
        _ numbers: [UInt32], _ place: Int, _ what: (Int) -> String
    ) throws(BalloonError) -> StoreMessage {
        if let answer = dialogue.answer(to: numbers[place]) { return answer }
        if numbers.count - place > Self.gathering {
            sleep(for: Self.gatherInterval)
            try listen()
        }
        return try answer(to: numbers[place]) { what(place) }
    }

    private func send(
        _ kind: StoreMessage.Kind, all paths: ArraySlice<String>, _ numbers: inout [UInt32]
    ) throws(BalloonError) {
        for path in paths {
            let (number, bytes) = try dialogue.ask(kind, StoreMessage.texts(path))
            numbers.append(number)
            unsent += bytes
        }
        do throws(BalloonError) { try flush() } catch { throw lose(error) }
    }
}
