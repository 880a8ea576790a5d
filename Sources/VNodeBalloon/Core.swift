/// What both halves of the project need: descriptors, errors, sizes, xenstore's protocol. Every file of this module, and whoever
/// imports it, sees it.
@_exported public import BalloonCore
