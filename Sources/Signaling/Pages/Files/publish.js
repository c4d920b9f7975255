// The page /rooms/{room}/publish: sends a camera, a microphone or a screen into the room.

import { capture, devices, noDevices, stop } from './capture.js';
import { Figures, bits, percent } from './figures.js';
import { followEvents, roomPath } from './gateway.js';
import { askForToken, byID, make, notice, openPage, setPressed, write } from './page.js';
import { Session } from './session.js';

/** Bits per second for a picture of this height, and its smaller ones with simulcast. */
const bitrates = { 360: 800_000, 720: 2_000_000, 1080: 4_000_000 };

/** Codecs whose sizes are layers of one stream (SVC); those of the others are streams of their own (simulcast). */
const layered = ['VP9'];
/** Three sizes and rates, of which only key frames depend on smaller sizes: whoever gets one needs no other. */
const scalabilityMode = 'L3T3_KEY';

/** What is being sent; null while nothing is. */
let session = null;
let stream = null;
/** The picture's sender, whether it has a track now or not. */
let picture = null;
let figures = new Figures();
let isStarting = false;
let isMuted = false;
let isPictureOff = false;
/** What was chosen when it began. */
let wish = null;

// For the console, and for those who test the page.
globalThis.ladle = { get session() { return session; }, get stream() { return stream; } };

// MARK: Choosing

function chosen() {
    const picture = document.querySelector('input[name=picture]:checked').value;
    return {
        camera: picture === 'camera' ? byID('cameras').value : null,
        screen: picture === 'screen',
        microphone: byID('with-sound').checked ? byID('microphones').value : null,
        height: Number(byID('size').value),
    };
}

async function listDevices() {
    const { cameras, microphones } = await devices();
    for (const [select, list] of [[byID('cameras'), cameras], [byID('microphones'), microphones]]) {
        const before = select.value;
        const named = list.filter(({ label, deviceId }) => label && deviceId);
        select.replaceChildren(
            make('option', { value: '' }, 'Any'),
            ...named.map(({ label, deviceId }) => make('option', { value: deviceId }, label)));
        select.value = named.some(({ deviceId }) => deviceId === before) ? before : '';
    }
}

function listCodecs() {
    const names = new Set((RTCRtpSender.getCapabilities?.('video')?.codecs ?? [])
        .map(({ mimeType }) => mimeType.split('/')[1])
        .filter((name) => ['VP8', 'VP9', 'H264', 'AV1'].includes(name)));
    byID('codec').append(...[...names].map((name) => make('option', { value: name }, name)));
}

// MARK: Sending

async function start() {
    if (isStarting) return;
    isStarting = true;
    notice('problem', null);
    showState();
    try {
        wish = chosen();
        if (wish.camera === null && !wish.screen && wish.microphone === null) {
            throw new Error('Neither picture nor sound is chosen: there is nothing to send.');
        }
        stream = await capture(wish);
        byID('preview').srcObject = stream;
        listDevices();
        watchTracks();
        await send();
    } catch (problem) {
        end(problem);
    }
    isStarting = false;
    showState();
}

async function send() {
    figures = new Figures();
    const name = byID('name').value.trim();
    const sent = new Session(`${roomPath}/whip${name ? `?name=${encodeURIComponent(name)}` : ''}`);
    session = sent;
    sent.addEventListener('change', changed);
    for (const track of stream.getAudioTracks()) {
        sent.pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    }
    for (const track of stream.getVideoTracks()) {
        const transceiver = sent.pc.addTransceiver(track, {
            direction: 'sendonly', streams: [stream], sendEncodings: encodings(),
        });
        prefer(transceiver);
        picture = transceiver.sender;
        tellLayers(sent, picture);
    }
    await sent.start();
}

/** Ascending, as the gateway and mediasoup count layers. */
function encodings() {
    const full = bitrates[wish.height];
    if (!byID('simulcast').checked) return [{ maxBitrate: full }];
    if (layered.includes(byID('codec').value)) return [{ maxBitrate: full, scalabilityMode }];
    return [
        { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: Math.round(full / 10) },
        { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: Math.round(full / 3.5) },
        { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: full },
    ];
}

/** SDP doesn't tell of layers within a stream, so the address does; a browser that can't make them has forgotten the mode. */
function tellLayers(sent, sender) {
    if (sender.getParameters().encodings?.[0]?.scalabilityMode !== scalabilityMode) return;
    const url = new URL(sent.endpoint, location.href);
    url.searchParams.set('scalabilityMode', scalabilityMode);
    sent.endpoint = url.pathname + url.search;
}

function prefer(transceiver) {
    const name = byID('codec').value;
    if (!name || !transceiver.setCodecPreferences) return;
    const all = RTCRtpSender.getCapabilities('video').codecs;
    const isChosen = ({ mimeType }) => mimeType === `video/${name}`;
    transceiver.setCodecPreferences([...all.filter(isChosen), ...all.filter((codec) => !isChosen(codec))]);
}

/** Ends everything, with a reason to show or without. */
function end(problem = null) {
    session?.close();
    session = null;
    stop(stream);
    stream = null;
    picture = null;
    isMuted = false;
    isPictureOff = false;
    byID('preview').srcObject = null;
    notice('connection', null);
    if (problem?.status === 401) askForToken(problem);
    else if (problem) notice('problem', problem.message, { isBad: true });
    showState();
}

function changed() {
    if (!session) return;
    notice('connection', session.problem, { isBad: true });
    if (session.isGone || session.pc.connectionState === 'failed') {
        end(new Error(session.problem ?? 'The connection failed.'));
        return;
    }
    showState();
}

// MARK: While it is sent

/** A shared screen that its own button ended, or a camera that was pulled out. */
function watchTracks() {
    for (const track of stream.getTracks()) {
        track.addEventListener('ended', () => {
            if (!stream?.getTracks().includes(track)) return;
            notice('problem', track.kind === 'video'
                ? 'The picture has ended: the screen is no longer shared, or the camera is gone.'
                : 'The sound has ended: the microphone is gone.', { isBad: true });
            if (stream.getTracks().every(({ readyState }) => readyState === 'ended')) end();
        });
    }
}

function setMuted(muted) {
    isMuted = muted;
    for (const track of stream?.getAudioTracks() ?? []) track.enabled = !muted;
    showState();
}

/** Off, the camera is given back and its light goes out; the session stays. */
async function setPictureOff(off) {
    if (!session || !picture) return;
    byID('camera-off').disabled = true;
    try {
        if (off) {
            for (const track of stream.getVideoTracks()) {
                stream.removeTrack(track);
                track.stop();
            }
            await picture.replaceTrack(null);
        } else {
            const [track] = (await capture({ ...wish, microphone: null })).getVideoTracks();
            stream.addTrack(track);
            await picture.replaceTrack(track);
            byID('preview').srcObject = stream;
            watchTracks();
        }
        isPictureOff = off;
        notice('problem', null);
    } catch (problem) {
        notice('problem', problem.message, { isBad: true });
    }
    showState();
}

// MARK: What a person sees

function showState() {
    const isSending = session !== null;
    const isConnected = session?.isConnected ?? false;
    const hasPicture = isPictureOff || (stream?.getVideoTracks().length ?? 0) > 0;
    write(byID('summary'), isConnected ? 'Sending' : isSending || isStarting ? 'Connecting…' : 'Not sending');
    byID('summary').dataset.state = isConnected ? 'good' : isSending ? 'busy' : 'idle';
    write(byID('start'), isSending || isStarting ? 'Stop' : 'Publish');
    byID('start').classList.toggle('primary', !isSending && !isStarting);
    byID('start').disabled = isStarting && !isSending;
    byID('mute').disabled = !isSending || stream?.getAudioTracks().length === 0;
    setPressed(byID('mute'), isMuted, isMuted ? 'Muted' : 'Mute');
    byID('camera-off').disabled = !isSending || !hasPicture;
    setPressed(byID('camera-off'), isPictureOff, isPictureOff ? 'Picture is off' : 'Picture off');
    for (const fieldset of document.querySelectorAll('#choice fieldset')) fieldset.disabled = isSending || isStarting;
    const words = isPictureOff ? 'Your picture is off.'
        : isSending && !hasPicture ? 'Sound only.'
            : isSending ? '' : 'Choose what to send. Nothing leaves this computer before you press Publish.';
    byID('words').hidden = words === '';
    write(byID('words'), words);
    if (!isSending) {
        write(byID('figures'), '');
        byID('level').value = 0;
    }
}

async function measure() {
    if (!session || session.isClosed) return;
    const { streams, roundTrip } = await figures.look(session.pc);
    const [shown] = [...streams.values()].filter(({ kind }) => kind === 'video');
    const [sound] = [...streams.values()].filter(({ kind }) => kind === 'audio');
    byID('level').value = isMuted ? 0 : sound?.level ?? 0;
    const limits = { bandwidth: 'held back by the network', cpu: 'held back by this computer', other: 'held back' };
    write(byID('figures'), [
        shown?.width && !isPictureOff ? `${shown.width}×${shown.height}` : null,
        shown && !isPictureOff ? `${Math.round(shown.rate)} fps` : null,
        shown?.streams > 1 ? `${shown.streams} sizes` : null,
        bits((shown?.bitrate ?? 0) + (sound?.bitrate ?? 0)),
        `${percent(Math.max(shown?.loss ?? 0, sound?.loss ?? 0))} lost`,
        roundTrip === null ? null : `${Math.round(roundTrip)} ms round trip`, shown?.codec, sound?.codec,
        limits[shown?.limit] ?? null,
    ].filter(Boolean).join(' · '));
}

// MARK: The page

openPage('publish');
notice('secure', noDevices(), { isBad: true });
listCodecs();
listDevices();
showState();
byID('choice').addEventListener('submit', (event) => event.preventDefault());
byID('start').addEventListener('click', () => (session ? end() : start()));
byID('mute').addEventListener('click', () => setMuted(!isMuted));
byID('camera-off').addEventListener('click', () => setPictureOff(!isPictureOff));
navigator.mediaDevices?.addEventListener?.('devicechange', listDevices);
addEventListener('pagehide', () => end());
setInterval(measure, 1000);
// Says at once when a token is missing or the gateway is away; and why the gateway couldn't take our connection.
followEvents({
    connected: () => notice('gateway', null),
    told: (event) => {
        if (!session?.broadcaster || event.broadcasterId !== session.broadcaster) return;
        if (event.type === 'transport.state' && event.reason) session.told(event.reason);
        if (event.type === 'broadcaster.closed') {
            end(new Error(`The gateway has ended this session (${event.reason}). Press Publish to begin again.`));
        }
    },
    lost: (problem) => {
        if (problem.status === 401) askForToken(problem);
        else notice('gateway', problem.message, { isBad: true });
    },
});
