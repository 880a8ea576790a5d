/// The control socket, as the loop sees it.
package protocol RequestSource: AnyObject {
    /// The descriptors to poll, and the indices of those that wait for room to write.
    var watched: (descriptors: [Int32], writing: [Int]) { get }
    /// When the loop must turn even if no descriptor becomes ready.
    var nextTimeout: Moment? { get }
    /// Answers the clients that are ready: a line of JSON for each line.
    func serve(_ ready: Set<Int32>, now: Moment, _ answer: (String) -> String)
}
