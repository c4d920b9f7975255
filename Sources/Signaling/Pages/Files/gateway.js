// The gateway that served this page: the room, the token, its answers and its events.

export const room = decodeURIComponent(location.pathname.split('/')[2] ?? '');
export const roomPath = `/rooms/${encodeURIComponent(room)}`;

/** What the gateway (or the network before it) refused, in words for a person. */
export class Problem extends Error {
    constructor(status, name, message) {
        super(message);
        this.status = status;
        this.name = name;
    }
}

// MARK: The token

const tokenKey = 'ladle-token';
let token = takeToken();

/** From "#token=…" of the address, which is cleaned so that it isn't in screenshots and bookmarks; kept for reloads of this tab. */
function takeToken() {
    const given = new URLSearchParams(location.hash.slice(1)).get('token');
    if (given) {
        history.replaceState(null, '', location.pathname + location.search);
        remember(given);
        return given;
    }
    try { return sessionStorage.getItem(tokenKey); } catch { return null; }
}

function remember(text) {
    // Without storage (private windows of some browsers) it is good for this page only.
    try { sessionStorage.setItem(tokenKey, text); } catch { /* see above */ }
}

export function setToken(text) {
    token = text.trim();
    remember(token);
}

// MARK: Requests

function headers(more = {}) {
    return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

/**
 * The response, if it is a success.
 * @throws {Problem} with the gateway's own sentence.
 */
export async function call(method, path, { body, type, accept, match, signal, keepalive } = {}) {
    const told = {};
    if (type) told['Content-Type'] = type;
    if (accept) told.Accept = accept;
    if (match) told['If-Match'] = match;
    let response;
    try {
        response = await fetch(path, { method, body, signal, keepalive, cache: 'no-store', headers: headers(told) });
    } catch (error) {
        if (error.name === 'AbortError') throw error;
        throw new Problem(0, 'NetworkError', `The gateway at ${location.host} doesn't answer. Is it running?`);
    }
    if (response.ok) return response;
    throw await problem(response);
}

/** `{"error", "message"}` under /api/v1, the text "Name: message" elsewhere, a title and a detail in others' answers. */
async function problem(response) {
    const text = (await response.text()).trim();
    try {
        const json = JSON.parse(text);
        return new Problem(
            response.status, json.error ?? json.title ?? 'Error', json.message ?? json.detail ?? json.title ?? text);
    } catch { /* No JSON. */ }
    const [, name, message] = text.match(/^(\w+): ([^]*)$/) ?? [null, 'Error', text];
    return new Problem(response.status, name, message || `The gateway answered ${response.status}.`);
}

/** The room now; null when there is none. */
export async function snapshot() {
    try {
        return await (await call('GET', `/api/v1${roomPath}`)).json();
    } catch (error) {
        if (error.status === 404) return null;
        throw error;
    }
}

// MARK: Events

/**
 * Opens a stream of server-sent events; returns once it has begun.
 * EventSource can't send a token, so they are read by hand (WHATWG HTML §9.2.6; the gateway writes one data line each).
 */
async function openEvents(path) {
    const response = await call('GET', path, { accept: 'text/event-stream' });
    return read(response.body.pipeThrough(new TextDecoderStream()).getReader());
}

async function* read(reader) {
    let rest = '';
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const blocks = (rest + value).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
            const data = block.match(/^data: ?(.*)$/m)?.[1];
            if (data) yield JSON.parse(data);
        }
    }
}

/**
 * Follows the room's events for as long as the page lives, and comes back after breaks.
 * @param {object} reader `connected()` is called each time the stream has begun, before its first event: look then at
 *   what is there; `told(event)` with each event; `lost(problem)` when it broke; it is tried again unless that is 401.
 */
export async function followEvents({ connected, told, lost }) {
    for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
        try {
            const events = await openEvents(`/api/v1/events?room=${encodeURIComponent(room)}&since=now`);
            connected();
            pause = 500;
            for await (const event of events) told(event);
            lost(new Problem(0, 'NetworkError', 'The gateway has ended the connection.'));
        } catch (error) {
            lost(error instanceof Problem ? error : new Problem(0, 'NetworkError', 'The connection to the gateway broke.'));
            if (error.status === 401) return;
        }
        await new Promise((done) => setTimeout(done, pause));
    }
}
