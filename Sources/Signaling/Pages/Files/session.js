// One WebRTC session with the gateway: WHIP (RFC 9725) to send, WHEP (draft-ietf-wish-whep) to receive.

import { call } from './gateway.js';

/** Longer than any handshake on a working network; what comes then is no slowness. */
const patience = 8000;
/** An interruption of this length is worth beginning ICE anew. */
const recovery = 2000;

/**
 * Events: "change" when `problem`, `isConnected` or `pc` have become others.
 * The gateway knows its own addresses, so no candidate of ours is waited for: one request and one answer make a session.
 */
export class Session extends EventTarget {
    /** Milliseconds of performance.now() at each step; absent until it is reached. */
    times = {};
    /** A sentence for the person in front of the page; null while all is well. */
    problem = null;
    isConnected = false;
    isClosed = false;
    /** The gateway has ended it; only another session helps. */
    isGone = false;
    /** There is no codec in common. */
    isUnplayable = false;
    #recovery = null;
    #isRestarting = false;
    pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    location = null;
    /** Who this session is in the room; its events bear it. */
    broadcaster = null;
    links = {};
    #iceServers;

    constructor(endpoint) {
        super();
        this.endpoint = endpoint;
        // Asked for now, while cameras are opened; without an answer it goes without them.
        this.#iceServers = call('OPTIONS', endpoint)
            .then((response) => readICEServers(response.headers.get('Link')), () => []);
        for (const name of ['connectionstatechange', 'iceconnectionstatechange']) {
            this.pc.addEventListener(name, () => this.#look());
        }
    }

    /**
     * Offers what `pc` has, and takes the answer.
     * @throws {Problem} of the gateway.
     */
    async start() {
        const iceServers = await this.#iceServers;
        // Browsers gather with them only if they know them before their offer.
        if (iceServers.length > 0) this.pc.setConfiguration({ bundlePolicy: 'max-bundle', iceServers });
        await this.#offer();
        this.times.posted = performance.now();
        const response = await call('POST', this.endpoint, {
            type: 'application/sdp', accept: 'application/sdp', body: this.pc.localDescription.sdp,
        });
        this.times.answered = performance.now();
        this.location = new URL(response.headers.get('Location') ?? '', new URL(this.endpoint, location.href)).pathname;
        this.broadcaster = response.headers.get('Ladle-Broadcaster');
        this.links = readLinks(response.headers.get('Link'));
        this.answer = await response.text();
        if (this.isClosed) {
            this.#leave();
            return;
        }
        await this.pc.setRemoteDescription({ type: 'answer', sdp: this.answer });
        setTimeout(() => this.#look(true), patience);
    }

    async #offer(options = {}) {
        const offer = await this.pc.createOffer(options);
        // Browsers play stereo only when their offer says so (RFC 7587 §7).
        const sdp = offer.sdp.replace(/(a=fmtp:\d+ [^\r\n]*useinbandfec=1)(?![^\r\n]*stereo)/g, '$1;stereo=1');
        try {
            await this.pc.setLocalDescription({ type: 'offer', sdp });
        } catch {
            await this.pc.setLocalDescription(offer);
        }
    }

    /**
     * Begins ICE anew on both sides (RFC 9725 §4.3.3), for a network that has become another one. The session and what flows
     * in it stay.
     * @throws {Problem} of the gateway; all is as it was then.
     */
    async restart() {
        await this.#offer({ iceRestart: true });
        let told;
        try {
            const response = await call('PATCH', this.location, {
                type: 'application/trickle-ice-sdpfrag', match: '*', body: fragment(this.pc.localDescription.sdp),
            });
            told = await response.text();
        } catch (problem) {
            if (!this.isClosed) await this.pc.setLocalDescription({ type: 'rollback' });
            throw problem;
        }
        if (this.isClosed) return;
        this.answer = withCredentials(this.answer, told);
        await this.pc.setRemoteDescription({ type: 'answer', sdp: this.answer });
    }

    async #recover() {
        if (this.isClosed || this.#isRestarting || !this.location) return;
        this.#isRestarting = true;
        try {
            await this.restart();
        } catch (problem) {
            // Without a way to the gateway there will be another try.
            if (problem.status === 404) {
                this.isGone = true;
                this.problem = 'The connection was interrupted for so long that the gateway has ended this session.';
                this.dispatchEvent(new Event('change'));
            }
        }
        this.#isRestarting = false;
    }

    /** Each section of the answer: its kind and mid, whether it carries anything, and the stream and track it names. */
    get sections() {
        return (this.answer ?? '').split(/\r?\n(?=m=)/).slice(1).map((text) => ({
            kind: text.match(/^m=(\w+)/)[1],
            mid: text.match(/^a=mid:(\S+)/m)?.[1] ?? null,
            isUsed: !/^m=\w+ 0 /.test(text) && !/^a=inactive\s*$/m.test(text),
            stream: text.match(/^a=msid:(\S+)/m)?.[1] ?? null,
            track: text.match(/^a=msid:\S+ (\S+)/m)?.[1] ?? null,
        }));
    }

    /** Ends it on both sides; works while the page is being left, too. */
    close() {
        if (this.isClosed) return;
        this.isClosed = true;
        clearInterval(this.#recovery);
        this.pc.close();
        this.#leave();
    }

    #leave() {
        if (this.location) call('DELETE', this.location, { keepalive: true }).catch(() => { /* It ends by itself. */ });
        this.location = null;
    }

    // MARK: What stands in the way

    /** What the gateway itself says of why the connection failed. */
    told(reason) {
        this.reason = reason;
        this.#look();
    }

    #look(isLate = false) {
        if (this.isClosed) return;
        const { connectionState: state, iceConnectionState: ice } = this.pc;
        this.isConnected = state === 'connected';
        if (['connected', 'completed'].includes(ice)) this.times.ice ??= performance.now();
        if (this.isConnected) this.times.connected ??= performance.now();
        if (ice === 'disconnected') this.#recovery ??= setInterval(() => this.#recover(), recovery);
        else if (['connected', 'completed', 'failed'].includes(ice)) {
            clearInterval(this.#recovery);
            this.#recovery = null;
        }
        const isStuck = isLate && !this.isConnected;
        this.problem = this.isConnected ? null : this.#obstacle(state, ice, isStuck) ?? this.problem;
        this.dispatchEvent(new Event('change'));
    }

    #obstacle(state, ice, isStuck) {
        if (ice === 'disconnected') return 'The connection to the gateway is interrupted; waiting for it to come back.';
        if (this.reason || (this.times.ice !== undefined && (state === 'failed' || isStuck) && ice !== 'failed')) {
            return `The gateway was reached, but no encryption could be agreed on (DTLS failed${
                this.reason ? `: ${this.reason}` : ''}). Reload the page; if it stays, another program may stand between.`;
        }
        if (ice !== 'failed' && state !== 'failed' && !isStuck) return null;
        return unreachable(this.answer ?? '');
    }
}

/** Why ICE has failed with the addresses of an answer. */
export function unreachable(sdp, browser = navigator.userAgent) {
    const found = [...sdp.matchAll(/^a=candidate:\S+ \d+ (\w+) \d+ (\S+) (\d+) typ/gm)];
    if (found.length === 0) return 'The gateway told no address for media. Its setting webrtc.announcedAddresses may help.';
    const where = new Set(found.map(([, transport, address, port]) => `${address}, ${transport.toUpperCase()} port ${port}`));
    const failed = `No connection for media to ${[...where].join(' or ')} (ICE failed).`;
    if (browser.includes('Firefox/') && found.every(([, , address]) => /^(127\.|::1$)/.test(address))) {
        return `${failed} Firefox makes none to such an address: take another browser, or give the gateway another address of `
            + 'this computer (webrtc.addresses; --webrtc-address).';
    }
    return `${failed} Check that this is an address by which this computer reaches the gateway (else set `
        + 'webrtc.announcedAddresses), and that the firewall lets this port in.';
}

/** What a restart of ICE tells (RFC 8840 §4.4): the credentials, and the first section, whose transport all share. */
function fragment(sdp) {
    const line = (pattern) => sdp.match(pattern)?.[0] ?? '';
    return [/^a=ice-ufrag:.*$/m, /^a=ice-pwd:.*$/m, /^m=.*$/m, /^a=mid:.*$/m].map((pattern) => `${line(pattern).trim()}\r\n`)
        .join('');
}

/** The answer with the credentials that the gateway has now. */
function withCredentials(answer, told) {
    return ['ice-ufrag', 'ice-pwd'].reduce((text, name) => {
        const value = told.match(new RegExp(`^a=${name}:(\\S+)`, 'm'))?.[1];
        return value ? text.replace(new RegExp(`^a=${name}:\\S+`, 'gm'), `a=${name}:${value}`) : text;
    }, answer);
}

/** The targets of a Link header (RFC 8288) by their relation. */
function readLinks(text) {
    const links = {};
    for (const [, target, parameters] of (text ?? '').matchAll(/<([^>]*)>((?:\s*;[^,]*)*)/g)) {
        const relation = parameters.match(/rel="?([^";]+)/)?.[1];
        if (relation) links[relation] ??= target;
    }
    return links;
}

/** The STUN and TURN servers of a Link header (RFC 9725 §4.6), as RTCPeerConnection takes them. */
function readICEServers(text) {
    const servers = [];
    for (const [, urls, parameters] of (text ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+="[^"]*")*)/g)) {
        const told = Object.fromEntries(
            [...parameters.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
        if (told.rel !== 'ice-server') continue;
        servers.push(told.username === undefined ? { urls } : { urls, username: told.username, credential: told.credential });
    }
    return servers;
}
