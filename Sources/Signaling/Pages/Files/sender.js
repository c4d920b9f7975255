// One sender on the watch page: a session with the gateway, a tile for each of its pictures, and its sound.

import { Figures, bits, percent } from './figures.js';
import { call, roomPath } from './gateway.js';
import { make, setPressed, write } from './page.js';
import { Session } from './session.js';
import { Tile } from './tile.js';

const roles = {
    broadcaster: 'broadcaster', ingest: 'brought in by the gateway', publisher: 'publisher', peer: 'peer',
};

export class Sender {
    session = null;
    /** By producer id; those with sound alone share one. */
    tiles = new Map();
    #producers = [];
    #figures = new Figures();
    #restart = null;
    /** Seconds until the next try after a failure. */
    #pause = 2;
    #isMuted = false;
    #audio = make('audio', { autoplay: true });

    constructor(broadcaster, { isSoundOn, onSoundRefused }) {
        this.broadcaster = broadcaster;
        this.isSoundOn = isSoundOn;
        this.onSoundRefused = onSoundRefused;
        this.#audio.muted = !isSoundOn;
        this.title = make('h2', {}, broadcaster.displayName || broadcaster.id);
        this.role = make('span', { className: 'quiet' }, roles[broadcaster.role] ?? broadcaster.role);
        this.level = make('meter', { min: 0, max: 1, value: 0, ariaLabel: 'Sound level', title: 'Sound level' });
        this.sound = make('span', { className: 'quiet figures' });
        this.mute = make('button', { type: 'button', onclick: () => this.#setMuted(!this.#isMuted) });
        this.obstacle = make('p', { className: 'notice bad', role: 'alert', hidden: true });
        this.grid = make('div', { className: 'tiles' });
        this.strip = make('div', { className: 'sound' }, this.level, this.sound, this.mute);
        this.element = make(
            'section', { className: 'sender' },
            make('header', {}, this.title, this.role, this.strip), this.obstacle, this.grid, this.#audio);
        this.element.setAttribute('aria-label', this.title.textContent);
        this.element.dataset.broadcaster = broadcaster.id;
        this.#setMuted(false);
    }

    /** What it sends now. */
    show(producers) {
        const isNew = producers.some((producer) => !this.#producers.some((known) => known.id === producer.id));
        this.#producers = producers;
        for (const [id, tile] of this.tiles) {
            if (producers.some((producer) => producer.id === id)) continue;
            tile.element.remove();
            this.tiles.delete(id);
        }
        for (const producer of producers.filter((producer) => producer.kind === 'video')) {
            let tile = this.tiles.get(producer.id);
            if (!tile) {
                tile = new Tile(producer, this.title.textContent, (layer) => this.#choose(producer, layer));
                this.tiles.set(producer.id, tile);
                this.grid.append(tile.element);
            }
            tile.producer = producer;
        }
        this.strip.hidden = !producers.some((producer) => producer.kind === 'audio');
        if (isNew) this.#connect();
        this.#explain();
    }

    /** An event of the gateway about one of our transports. */
    told(event) {
        if (this.session?.broadcaster && event.broadcasterId === this.session.broadcaster) this.session.told(event.reason);
    }

    close() {
        clearTimeout(this.#restart);
        this.session?.close();
        this.session = null;
        this.#audio.srcObject = null;
        this.element.remove();
    }

    // MARK: The session

    /** A session has as many sections as its offer, so another producer means another session. */
    async #connect() {
        clearTimeout(this.#restart);
        this.session?.close();
        const query = `broadcaster=${encodeURIComponent(this.broadcaster.id)}`;
        const session = new Session(`${roomPath}/whep?${query}`);
        this.session = session;
        this.#figures = new Figures();
        // Sound first: the gateway gives sections their producers in order.
        for (const { kind } of this.#inOrder()) session.pc.addTransceiver(kind, { direction: 'recvonly' });
        session.addEventListener('change', () => this.#changed(session));
        try {
            await session.start();
            if (session === this.session) this.#attach(session);
        } catch (problem) {
            if (session !== this.session) return;
            // No common codec: the tiles have words for it, and trying again would change nothing.
            session.isUnplayable = problem.status === 406;
            session.problem = session.isUnplayable ? 'This browser can play nothing of this.' : problem.message;
            if (!session.isUnplayable) this.#retry();
        }
        this.#explain();
    }

    #inOrder() {
        return [...this.#producers].sort((one, other) => one.kind.localeCompare(other.kind));
    }

    /** Gives each tile the track of its producer. */
    #attach(session) {
        this.mids = new Map();
        const waiting = this.#inOrder();
        const sound = [];
        for (const section of session.sections) {
            const track = session.pc.getTransceivers().find(({ mid }) => mid === section.mid)?.receiver.track;
            // The gateway names a track as its producer; a server that doesn't gives them in order.
            const place = waiting.findIndex((producer) => producer.id === section.track);
            const order = waiting.findIndex((producer) => producer.kind === section.kind);
            const [producer] = waiting.splice(place >= 0 ? place : Math.max(order, 0), 1);
            if (!track || !producer) continue;
            this.mids.set(section.mid, producer.id);
            if (section.kind === 'audio' && section.isUsed) sound.push(track);
            this.tiles.get(producer.id)?.attach(section.isUsed ? track : null, session.times);
        }
        this.#audio.srcObject = sound.length > 0 ? new MediaStream(sound) : null;
        this.#play();
    }

    #changed(session) {
        if (session !== this.session) return;
        if (session.isConnected) this.#pause = 2;
        if (session.isGone || (session.problem && ['failed', 'closed'].includes(session.pc.connectionState))) this.#retry();
        this.#explain();
    }

    #retry() {
        clearTimeout(this.#restart);
        this.#restart = setTimeout(() => this.#connect(), this.#pause * 1000);
        this.#pause = Math.min(this.#pause * 2, 15);
    }

    // MARK: Sound

    setSound(isOn) {
        this.isSoundOn = isOn;
        this.#audio.muted = !isOn || this.#isMuted;
        this.#play();
    }

    #setMuted(isMuted) {
        this.#isMuted = isMuted;
        this.#audio.muted = isMuted || !this.isSoundOn;
        setPressed(this.mute, isMuted, isMuted ? 'Muted' : 'Mute');
        this.mute.setAttribute('aria-label', `Mute ${this.title.textContent}`);
        this.#play();
    }

    async #play() {
        if (!this.#audio.srcObject) return;
        try {
            await this.#audio.play();
        } catch (error) {
            if (error.name !== 'NotAllowedError') return;
            // Muted it may play; the page asks for a click.
            this.#audio.muted = true;
            this.onSoundRefused();
        }
    }

    // MARK: Layers

    /** WHEP's extension for layers: a preference is posted to the address that the answer linked. */
    async #choose(producer, layer) {
        const mid = [...this.mids ?? []].find(([, id]) => id === producer.id)?.[0];
        const link = this.session?.links['urn:ietf:params:whep:ext:core:layer'];
        if (!link || !mid) return 'this session has no choice of layers';
        try {
            await call('POST', link, { type: 'application/json', body: JSON.stringify({ mediaId: mid, ...layer }) });
            return null;
        } catch (problem) {
            return problem.message;
        }
    }

    // MARK: What a person sees

    async measure() {
        const session = this.session;
        if (!session || session.isClosed) return;
        const { streams, roundTrip } = await this.#figures.look(session.pc);
        if (session !== this.session) return;
        let sound = null;
        for (const [mid, stream] of streams) {
            const producer = this.mids?.get(mid);
            if (stream.kind === 'audio') sound = stream;
            else this.tiles.get(producer)?.measured(stream);
        }
        this.level.value = sound?.level ?? 0;
        write(this.sound, [
            sound?.codec, sound ? bits(sound.bitrate) : null, sound && sound.loss > 0 ? `${percent(sound.loss)} lost` : null,
            roundTrip === null ? null : `${Math.round(roundTrip)} ms round trip`,
        ].filter(Boolean).join(' · '));
        this.#explain();
    }

    #explain() {
        const problem = this.session?.problem ?? null;
        this.obstacle.hidden = !problem;
        write(this.obstacle, problem ?? '');
        for (const tile of this.tiles.values()) tile.explain(this.session);
        const audio = this.#producers.find((producer) => producer.kind === 'audio');
        if (audio?.paused) write(this.sound, 'the sender has paused its sound');
    }
}
