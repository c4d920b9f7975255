import Hummingbird
public func placeholderRouter() -> Router<BasicRequestContext> { Router() }
