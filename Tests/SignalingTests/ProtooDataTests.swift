import Base
import MediaCore
import MediaPlane
import ORTC
import ScriptedCore
import Signaling
import TestSupport
import Testing

/// Data channels of protoo clients: who is offered which, and the room's bot.
@Suite struct ProtooDataTests {
    private static let sctp: JSONValue = ["numStreams": ["OS": 1024, "MIS": 1024]]

    /// Joins with data channels.
    private func join(_ client: ProtooClient, _ name: String) async throws {
        let capabilities = try await client.data("getRouterRtpCapabilities")
        _ = try await client.data(
            "join",
            [
                "displayName": .string(name), "device": ["flag": "chrome", "name": "Chrome", "version": "1"],
                "rtpCapabilities": capabilities, "sctpCapabilities": Self.sctp,
            ])
    }

    private func transport(
        _ client: ProtooClient, producing: Bool = false, consuming: Bool = false
    ) async throws -> JSONValue {
        let made = try await client.data(
            "createWebRtcTransport",
            [
                "forceTcp": false, "producing": .bool(producing), "consuming": .bool(consuming),
                "sctpCapabilities": Self.sctp,
            ])
        #expect(made["sctpParameters"]?["port"] == 5000 && made["sctpParameters"]?["OS"] == 1024)
        return made["id"] ?? .null
    }

    private func produceData(
        _ client: ProtooClient, on transport: JSONValue, stream: Int64 = 0, label: String, appData: JSONValue = [:]
    ) async throws -> JSONValue {
        let made = try await client.data(
            "produceData",
            [
                "transportId": transport, "sctpStreamParameters": ["streamId": .integer(stream), "ordered": true],
                "label": .string(label), "protocol": "", "appData": appData,
            ])
        return made["id"] ?? .null
    }

    /// Alice sends, Bob receives; both have been offered the bot.
    private func meet<Core>(_ world: ProtooWorld<Core>) async throws -> (ProtooClient, sending: JSONValue, ProtooClient)
    {
        let alice = try await world.open("alice")
        let sending = try await transport(alice, producing: true)
        _ = try await transport(alice, consuming: true)
        try await join(alice, "Alice")
        let bob = try await world.open("bob")
        _ = try await transport(bob, consuming: true)
        try await join(bob, "Bob")
        for client in [alice, bob] {
            let offer = try await client.next("newDataConsumer")["data"]
            #expect(offer?["peerId"] == .some(.null) && offer?["label"] == "bot" && offer?["appData"] == [:])
            #expect(offer?["sctpStreamParameters"] == ["streamId": 0, "ordered": false])
        }
        return (alice, sending, bob)
    }

    @Test func `a chat goes to everybody who is there and to those who come later, others to the latter only`()
        async throws
    {
        try await ProtooWorld.run { world in
            let (alice, sending, bob) = try await meet(world)
            let chat = try await produceData(
                alice, on: sending, label: "chat", appData: ["info": "my-chat-DataProducer"])
            let other = try await produceData(alice, on: sending, stream: 1, label: "files")
            _ = try await produceData(alice, on: sending, stream: 2, label: "bot")
            let offer = try #require(try await bob.next("newDataConsumer")["data"])
            #expect(offer["peerId"] == "alice" && offer["dataProducerId"] == chat && offer["label"] == "chat")
            #expect(offer["protocol"] == "" && offer["appData"] == ["info": "my-chat-DataProducer"])
            #expect(offer["sctpStreamParameters"] == ["streamId": 1, "ordered": true])

            let carol = try await world.open("carol")
            _ = try await transport(carol, consuming: true)
            try await join(carol, "Carol")
            var offered: [JSONValue] = []
            for _ in 0..<3 {
                let data = try await carol.next("newDataConsumer")["data"]
                offered.append(data?["dataProducerId"] ?? .null)
            }
            #expect(Array(offered.prefix(2)) == [chat, other])
            #expect(await !bob.unreadMethods.contains("newDataConsumer"))
        }
    }

    @Test func `who tells nothing of SCTP gets no data channels`() async throws {
        try await ProtooWorld.run { world in
            let (alice, sending, _) = try await meet(world)
            let deaf = try await world.open("deaf")
            let plain = try await deaf.data("createWebRtcTransport", ["producing": false, "consuming": true])
            #expect(plain["sctpParameters"] == nil)
            try await deaf.join("Deaf")
            // One that could, but has no transport for it.
            let half = try await world.open("half")
            _ = try await half.transport(consuming: true)
            try await join(half, "Half")
            _ = try await produceData(alice, on: sending, label: "chat")
            _ = try await alice.produce(on: sending)
            for client in [deaf, half] {
                _ = try await client.next("newConsumer")
                #expect(await !client.unreadMethods.contains("newDataConsumer"))
            }
            let refused = try await deaf.ask(
                "produceData",
                ["transportId": plain["id"] ?? .null, "sctpStreamParameters": ["streamId": 0], "label": "chat"])
            #expect(
                refused["errorReason"] == "SCTP not enabled and not a direct Transport [method:transport.produceData]")
        }
    }

    @Test func `dataConsumerClosed comes behind peerClosed when its sender leaves`() async throws {
        try await ProtooWorld.run { world in
            let (alice, sending, bob) = try await meet(world)
            _ = try await produceData(alice, on: sending, label: "chat")
            let offer = try await bob.next("newDataConsumer")
            await bob.accept(offer)
            await alice.close()
            let closed = try await bob.next("dataConsumerClosed")
            #expect(closed["data"] == ["dataConsumerId": offer["data"]?["id"] ?? .null])
            // It stands before, still unread.
            #expect(await bob.unreadMethods.contains("peerClosed"))
        }
    }

    @Test func `the numbers of one's own data producers and data consumers can be had, and nobody else's`() async throws
    {
        try await ProtooWorld.run { world in
            let (alice, sending, bob) = try await meet(world)
            let chat = try await produceData(alice, on: sending, label: "chat")
            let consumer = try await bob.next("newDataConsumer")["data"]?["id"] ?? .null
            #expect(
                try await alice.data("getDataProducerStats", ["dataProducerId": chat]) == [["type": "data-producer"]])
            #expect(
                try await bob.data("getDataConsumerStats", ["dataConsumerId": consumer]) == [["type": "data-consumer"]])
            let foreign = try await bob.ask("getDataProducerStats", ["dataProducerId": chat])
            #expect(foreign["errorReason"] == .string("dataProducer with id \"\(chat.stringValue ?? "")\" not found"))
            let other = try await alice.ask("getDataConsumerStats", ["dataConsumerId": consumer])
            #expect(
                other["errorReason"] == .string("dataConsumer with id \"\(consumer.stringValue ?? "")\" not found"))
        }
    }

    @Test func `the bot repeats texts to everybody, with the name of who said them`() async throws {
        try await ProtooWorld.run { world in
            let (alice, sending, _) = try await meet(world)
            let id = try await produceData(alice, on: sending, label: "bot")
            let producer = DataProducerID(rawValue: id.stringValue ?? "")
            while await world.core.consumerCount(of: producer) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            await world.core.hear(DataMessage(""), on: producer)
            await world.core.hear(DataMessage([1, 2]), on: producer)
            await world.core.hear(DataMessage("hello"), on: producer)
            func said() async -> [String] { await world.core.calls.filter { $0.hasPrefix("send ") } }
            while await said().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            #expect(await said().map { $0.split(separator: " ", maxSplits: 2).last } == ["51 Alice said me: \"hello\""])
            #expect(await world.core.calls.filter { $0.hasPrefix("createDirectTransport") }.count == 1)
        }
    }

    @Test func `a client of the newer dialect has data channels without asking, and routes them by its appData`()
        async throws
    {
        try await ProtooWorld.run { world in
            func open(_ name: String) async throws -> (ProtooClient, JSONValue, JSONValue) {
                let client = try await world.open(name, "&usePipeTransports=false")
                var ids: [JSONValue] = []
                for direction in ["producer", "consumer"] {
                    let made = try await client.data(
                        "createWebRtcTransport",
                        ["forceTcp": false, "appData": ["direction": .string(direction)]])
                    #expect(made["sctpParameters"]?["MIS"] == 1024)
                    ids.append(made["transportId"] ?? .null)
                }
                try await client.join(name)
                return (client, ids[0], ids[1])
            }
            let (alice, sending, _) = try await open("alice")
            let (bob, _, receiving) = try await open("bob")
            let bot = try #require(try await bob.next("newDataConsumer")["data"])
            #expect(bot["peerId"] == nil && bot["appData"] == ["channel": "bot"])
            let made = try await alice.data(
                "produceData",
                [
                    "transportId": sending, "sctpStreamParameters": ["streamId": 0], "label": "anything",
                    "protocol": "", "appData": ["channel": "chat"],
                ])
            #expect(made["dataProducerId"] == made["id"])
            let offer = try #require(try await bob.next("newDataConsumer")["data"])
            #expect(offer["dataConsumerId"] == offer["id"] && offer["transportId"] == receiving)
            #expect(offer["peerId"] == "alice" && offer["label"] == "anything")
            #expect(offer["appData"] == ["channel": "chat", "peerId": "alice"])
            let stats = try await alice.data(
                "getDataProducerStats", ["dataProducerId": made["dataProducerId"] ?? .null])
            #expect(stats["stats"]?.arrayValue?.count == 1)
        }
    }
}
