// One picture on the watch page.

import { bits, percent } from './figures.js';
import { make, write } from './page.js';

/** So long packets may come without a picture before it is worth a word: a key frame's way there and back. */
const patience = 3000;

export class Tile {
    #stream = null;
    #times = null;
    #seen = 0;
    /** performance.now() of the last decoded picture, and how many there were. */
    #last = 0;
    #decoded = 0;
    #attached = 0;
    #isUsed = true;

    /** @param choose called with a layer, or {} for the best; answers with what is wrong, or null. */
    constructor(producer, name, choose) {
        this.producer = producer;
        this.video = make('video', { autoplay: true, muted: true, playsInline: true });
        this.video.setAttribute('aria-label', `Picture of ${name}`);
        this.words = make('p', { className: 'words', role: 'status' });
        this.figures = make('p', { className: 'figures quiet' });
        this.full = make('button', {
            type: 'button', onclick: () => this.frame.requestFullscreen?.(), ariaLabel: `${name} in full screen`,
        }, 'Full screen');
        this.frame = make('div', { className: 'frame' }, this.video, this.words);
        this.layers = this.#makeLayers(choose);
        this.element = make(
            'figure', { className: 'tile' }, this.frame,
            make('figcaption', {}, this.figures, make('div', { className: 'actions' }, this.layers, this.full)));
        this.element.dataset.producer = producer.id;
    }

    /** The track and the times of its session; null when the answer has none for this producer. */
    attach(track, times) {
        this.#isUsed = track !== null;
        this.#times = times;
        this.#attached = performance.now();
        this.#decoded = 0;
        delete this.element.dataset.firstFrame;
        this.video.srcObject = track ? new MediaStream([track]) : null;
        if (!track) return;
        this.video.play().catch(() => { /* It is muted, so only a hidden page may refuse; it plays when it is seen. */ });
        this.video.requestVideoFrameCallback?.((now) => {
            this.element.dataset.firstFrame = String(Math.round(now - times.posted));
            this.element.dataset.afterConnecting = String(Math.round(now - (times.ice ?? now)));
        });
    }

    measured(stream) {
        this.#stream = stream;
        if (stream.decoded > this.#decoded) this.#last = performance.now();
        this.#decoded = stream.decoded;
        this.element.dataset.decoded = String(stream.decoded);
        write(this.figures, [
            stream.width ? `${stream.width}×${stream.height}` : null, `${Math.round(stream.rate)} fps`,
            bits(stream.bitrate), `${percent(stream.loss)} lost`, stream.codec,
        ].filter(Boolean).join(' · '));
    }

    // MARK: Why there is no picture

    explain(session) {
        const text = this.#reason(session);
        this.words.hidden = text === null;
        write(this.words, text ?? '');
    }

    #reason(session) {
        const now = performance.now();
        if (session?.isUnplayable) return this.#codecReason();
        if (!session || session.problem) return 'No connection.';
        if (!this.#isUsed) return this.#codecReason();
        if (this.producer.paused) return 'The sender has paused its picture.';
        if (!session.isConnected) return 'Connecting…';
        if (now - this.#last < patience) return null;
        if (!this.producer.flowing) return 'The sender sends no picture at the moment.';
        if (this.#stream && this.#stream.packets > 0) {
            return this.#decoded === 0
                ? 'Media arrives, but no key frame yet: the picture begins with the sender’s next one.'
                : 'Media arrives, but this browser can’t decode it at the moment.';
        }
        return now - this.#attached < patience ? 'Connected; the picture is about to come.'
            : 'Connected, but no media arrives. The gateway may hold it back because the network is too slow.';
    }

    #codecReason() {
        const codec = this.producer.codec.split('/')[1] ?? this.producer.codec;
        const known = new Set((RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? [])
            .map(({ mimeType }) => mimeType.split('/')[1])
            .filter((name) => !['rtx', 'red', 'ulpfec', 'flexfec-03'].includes(name)));
        return known.has(codec)
            ? `The gateway’s answer has no picture: this browser and the sender’s ${codec} don’t agree on a profile.`
            : `The picture is ${codec}, which this browser can’t play. It plays ${[...known].join(', ')}.`;
    }

    // MARK: Layers

    /** A choice, when the producer has several qualities. */
    #makeLayers(choose) {
        const options = choices(this.producer);
        if (options.length < 2) return null;
        const select = make('select', { title: 'Quality' }, make('option', { value: '{}' }, 'Best quality'));
        select.setAttribute('aria-label', 'Quality');
        for (const { name, layer } of options) {
            select.append(make('option', { value: JSON.stringify(layer) }, name));
        }
        select.addEventListener('change', async () => {
            const problem = await choose(JSON.parse(select.value));
            select.title = problem ?? 'Quality';
            select.setAttribute('aria-invalid', String(problem !== null));
        });
        return select;
    }
}

/** The layers that a producer's parameters tell of, best first. */
function choices({ type, rtpParameters }) {
    const encodings = rtpParameters.encodings ?? [];
    if (type === 'simulcast') {
        return encodings.map((encoding, place) => ({
            name: place === encodings.length - 1 ? `Layer ${place + 1} (largest)` : `Layer ${place + 1}${place === 0 ? ' (smallest)' : ''}`,
            layer: encoding.rid ? { encodingId: encoding.rid } : { spatialLayerId: place },
        })).reverse();
    }
    const [, spatial] = encodings[0]?.scalabilityMode?.match(/^[LS](\d)/) ?? [];
    if (type !== 'svc' || !(spatial > 1)) return [];
    return Array.from({ length: Number(spatial) }, (_, place) => ({
        name: `Layer ${place + 1}`, layer: { spatialLayerId: place },
    })).reverse();
}
