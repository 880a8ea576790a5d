extension BalloonLoop {
    /// What the loop talks to and waits for.
    package struct Surroundings {
        package var store: any Store
        package var openStore: () throws(BalloonError) -> any Store
        package var keeper: any OutlivingKeeper
        package var requests: any RequestSource
        package var events: any LoopEvents
        package var process: any LoopProcess
        package var reload: () throws(BalloonError) -> Configuration
        package var mover = MoverName.auto

        package init(
            store: any Store, openStore: @escaping () throws(BalloonError) -> any Store, keeper: any OutlivingKeeper,
            requests: any RequestSource, events: any LoopEvents, process: any LoopProcess,
            reload: @escaping () throws(BalloonError) -> Configuration
        ) {
            self.store = store
            self.openStore = openStore
            self.keeper = keeper
            self.requests = requests
            self.events = events
            self.process = process
            self.reload = reload
        }
    }
}
