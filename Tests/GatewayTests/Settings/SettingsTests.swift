import Gateway
import Testing

@Suite struct `Settings` {
    @Test func `that listen for everybody need a token`() {
        var settings = GatewaySettings()
        settings.mediaFolders = ["/"]
        settings.listenIP = "0.0.0.0"
        #expect(throws: GatewayError.self) { try settings.validate() }
        settings.token = "long enough"
        #expect(throws: Never.self) { try settings.validate() }
    }
}
