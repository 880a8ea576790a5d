/// What both halves of the project need. Every file of this module, and whoever imports it, sees it: any folder may name it, so
/// an import in each file would say nothing.
@_exported public import BalloonCore
@_exported public import BalloonSystem
