import FoundationEssentials
import Logging
import VNodeBalloon

/// The balloons, through the daemon where one runs, else by ourselves under the lock.
enum Session {
    case daemon(ControlClient)
    case alone(StandaloneSession)

    /// - Parameter isReading: the command moves nothing: without a daemon, too, no pin is touched.
    /// - Throws: `.notRoot`, what ``StandaloneSession`` throws.
    init(_ settings: Settings, isReading: Bool = false) throws(BalloonError) {
        try Exit.requireRoot()
        if let client = try ControlClient(state: settings.stateDirectory) {
            self = .daemon(client)
            return
        }
        do throws(BalloonError) {
            self = .alone(try StandaloneSession(settings, log: ErrorLog.logger(level: "warning"), isReading: isReading))
        } catch {
            // A daemon that was starting had the lock; it answers by now.
            guard error.code == .busy, let client = try ControlClient(state: settings.stateDirectory) else {
                throw error
            }
            self = .daemon(client)
        }
    }

    /// The answer to a request, a line of JSON.
    /// - Throws: ``Refusal`` when it was refused; `.busy` when the daemon is silent.
    func ask(_ request: ControlRequest) throws -> String {
        let answer =
            switch self {
            case .daemon(let client): try client.ask(request)
            case .alone(let session): session.server.answer(request)
            }
        if let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(answer.utf8)) { throw refusal }
        return answer
    }

    func ask<T: Decodable>(_ request: ControlRequest, as type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: Data(ask(request).utf8))
    }

    /// Lets time pass: a daemon goes on by itself, without one this process does it.
    func goOn() {
        if case .alone(let session) = self, let due = session.step(), due <= BalloonEngine.now { return }
        sleep(for: .milliseconds(50))
    }

    func status() throws -> StatusReport { try ask(.status, as: StatusReport.self) }
}

/// What an answer says when the request was refused.
struct Refusal: Error, Decodable {
    let error: String
    let code: String
}
