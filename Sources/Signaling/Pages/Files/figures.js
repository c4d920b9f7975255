// What getStats() says, as figures for people: rates over the time since the last look.

/** Keeps the last look at a connection's statistics. */
export class Figures {
    #last = new Map();

    /**
     * @returns {Promise<{streams: Map<string, object>, roundTrip: number|null}>} the streams by the mid of their section
     *   (incoming and outgoing ones; simulcast's added up), and milliseconds.
     */
    async look(pc) {
        const report = await pc.getStats();
        const streams = new Map();
        let roundTrip = null;
        for (const entry of report.values()) {
            if (entry.type === 'candidate-pair' && entry.nominated && entry.currentRoundTripTime !== undefined) {
                roundTrip = entry.currentRoundTripTime * 1000;
            }
            if (entry.type !== 'inbound-rtp' && entry.type !== 'outbound-rtp') continue;
            const before = this.#last.get(entry.id);
            this.#last.set(entry.id, entry);
            const one = entry.type === 'inbound-rtp' ? received(entry, before) : sent(entry, before, report);
            one.codec = report.get(entry.codecId)?.mimeType?.split('/')[1] ?? null;
            const other = streams.get(entry.mid);
            streams.set(entry.mid, other ? together(other, one) : one);
        }
        return { streams, roundTrip };
    }
}

function rate(entry, before, member) {
    if (!before || entry.timestamp <= before.timestamp) return 0;
    return ((entry[member] ?? 0) - (before[member] ?? 0)) * 1000 / (entry.timestamp - before.timestamp);
}

function received(entry, before) {
    const lost = Math.max(0, (entry.packetsLost ?? 0) - (before?.packetsLost ?? 0));
    const came = Math.max(0, entry.packetsReceived - (before?.packetsReceived ?? 0));
    return {
        kind: entry.kind, bitrate: 8 * rate(entry, before, 'bytesReceived'), packets: came,
        width: entry.frameWidth, height: entry.frameHeight, rate: entry.framesPerSecond ?? 0,
        decoded: entry.framesDecoded ?? 0, loss: lost + came > 0 ? lost / (lost + came) : 0,
        level: entry.audioLevel ?? 0, energy: entry.totalAudioEnergy ?? 0,
    };
}

function sent(entry, before, report) {
    const remote = report.get(entry.remoteId);
    const source = report.get(entry.mediaSourceId);
    return {
        kind: entry.kind, bitrate: 8 * rate(entry, before, 'bytesSent'), packets: rate(entry, before, 'packetsSent'),
        width: entry.frameWidth, height: entry.frameHeight, rate: entry.framesPerSecond ?? 0,
        decoded: entry.framesEncoded ?? 0, loss: remote?.fractionLost ?? 0, level: source?.audioLevel ?? 0,
        energy: source?.totalAudioEnergy ?? 0,
        limit: entry.active !== false && entry.qualityLimitationReason !== 'none' ? entry.qualityLimitationReason : null,
    };
}

/** Simulcast: the size of the largest, the bits of all. */
function together(one, other) {
    const larger = (one.width ?? 0) * (one.rate > 0) >= (other.width ?? 0) * (other.rate > 0) ? one : other;
    return {
        ...larger, bitrate: one.bitrate + other.bitrate, packets: one.packets + other.packets,
        loss: Math.max(one.loss, other.loss), limit: one.limit ?? other.limit,
        streams: (one.streams ?? Number(one.bitrate > 0)) + Number(other.bitrate > 0),
    };
}

export function bits(perSecond) {
    if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(perSecond >= 1e7 ? 0 : 1)} Mb/s`;
    return `${Math.round(perSecond / 1000)} kb/s`;
}

export function percent(fraction) {
    return fraction > 0 && fraction < 0.001 ? '<0.1 %' : `${(fraction * 100).toFixed(fraction < 0.1 ? 1 : 0)} %`;
}
