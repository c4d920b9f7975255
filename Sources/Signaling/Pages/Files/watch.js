// The page /rooms/{room}/watch: who sends into the room, and what.

import { followEvents, snapshot } from './gateway.js';
import { askForToken, byID, notice, openPage, setPressed, write } from './page.js';
import { Sender } from './sender.js';

/** By the broadcaster's id. */
const senders = new Map();
let isSoundOn = true;

// For the console, and for those who test the page.
globalThis.ladle = { senders };

// MARK: The room

/** Events change the room at most so often; looking costs one small request. */
const calm = 60;
let isDue = false;
let isLooking = false;

function lookSoon() {
    if (isDue) return;
    isDue = true;
    setTimeout(look, calm);
}

async function look() {
    if (isLooking) {
        setTimeout(look, calm);
        return;
    }
    isDue = false;
    isLooking = true;
    try {
        show(await snapshot());
        notice('gateway', null);
    } catch (problem) {
        complain(problem);
    }
    isLooking = false;
}

function show(state) {
    const sending = (state?.broadcasters ?? []).map((broadcaster) => ({
        broadcaster, producers: state.producers.filter((producer) => producer.broadcasterId === broadcaster.id),
    })).filter(({ producers }) => producers.length > 0);
    for (const [id, sender] of senders) {
        if (sending.some(({ broadcaster }) => broadcaster.id === id)) continue;
        sender.close();
        senders.delete(id);
    }
    for (const { broadcaster, producers } of sending) {
        let sender = senders.get(broadcaster.id);
        if (!sender) {
            sender = new Sender(broadcaster, { isSoundOn, onSoundRefused: offerSound });
            senders.set(broadcaster.id, sender);
            byID('senders').append(sender.element);
        }
        sender.show(producers);
    }
    const count = sending.length;
    write(byID('summary'), count === 0 ? 'Nobody sends' : count === 1 ? '1 sender' : `${count} senders`);
    notice('empty', count > 0 ? null
        : 'Nobody sends into this room. What is sent appears here by itself: open Publish in another window or on '
            + 'another machine, or bring a file or a camera in with “ladle ingest”.');
}

/** The loudest sender is framed; nobody is in a silence. */
function mark({ type, broadcasterId }) {
    if (type === 'speaker.dominant') return;
    for (const [id, sender] of senders) {
        sender.element.toggleAttribute('data-speaking', type === 'speaker.loudest' && id === broadcasterId);
    }
}

function complain(problem) {
    if (problem.status === 401) askForToken(problem);
    else notice('gateway', problem.message, { isBad: true });
}

// MARK: Sound

/** Browsers start sound only for pages that somebody has touched. */
function offerSound() {
    notice('sound', 'This browser starts sound only after a click.', {
        action: { name: 'Turn sound on', run: () => setSound(true) },
    });
}

function setSound(isOn) {
    isSoundOn = isOn;
    notice('sound', null);
    setPressed(byID('sound'), isOn, isOn ? 'Sound on' : 'Sound off');
    for (const sender of senders.values()) sender.setSound(isOn);
}

// MARK: The page

openPage('watch');
byID('sound').addEventListener('click', () => setSound(!isSoundOn));
addEventListener('pagehide', () => {
    for (const sender of senders.values()) sender.close();
    senders.clear();
});
// A page that comes back from the browser's cache of pages begins anew.
addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
setInterval(() => { for (const sender of senders.values()) sender.measure(); }, 1000);
lookSoon();
followEvents({
    connected: lookSoon,
    told: (event) => {
        if (/^(room|broadcaster|producer|media)\.(?!score)|^gap$/.test(event.type)) lookSoon();
        if (event.type.startsWith('speaker.')) mark(event);
        if (event.type === 'transport.state' && event.reason) {
            for (const sender of senders.values()) sender.told(event);
        }
    },
    lost: complain,
});
