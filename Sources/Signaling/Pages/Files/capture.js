// What a camera, a microphone or a screen gives, and in words why it gives nothing.

/** @returns {string|null} why this page can't get at any device. */
export function noDevices() {
    if (globalThis.isSecureContext && navigator.mediaDevices) return null;
    return `Browsers give camera, microphone and screen only to pages that came by https or from this very machine, and `
        + `this one came from ${location.origin}. Open it as https, or as http://localhost on the gateway’s machine.`;
}

/**
 * @param {{camera: string|null, screen: boolean, microphone: string|null, height: number}} wish ids of devices, "" any,
 *   null none.
 * @returns {Promise<MediaStream>}
 * @throws {Error} with a sentence.
 */
export async function capture({ camera, screen, microphone, height }) {
    const obstacle = noDevices();
    if (obstacle) throw new Error(obstacle);
    const stream = new MediaStream();
    try {
        if (screen) {
            const shared = await named('the screen', () => navigator.mediaDevices.getDisplayMedia({
                video: { height: { ideal: height }, frameRate: { ideal: 30 } },
            }));
            add(stream, shared);
        }
        if (camera !== null) {
            add(stream, await named('the camera', () => navigator.mediaDevices.getUserMedia({
                video: {
                    ...device(camera), height: { ideal: height }, width: { ideal: height * 16 / 9 },
                    frameRate: { ideal: 30 },
                },
            })));
        }
        if (microphone !== null) {
            add(stream, await named('the microphone', () => navigator.mediaDevices.getUserMedia({
                audio: { ...device(microphone), echoCancellation: true },
            })));
        }
        return stream;
    } catch (error) {
        stop(stream);
        throw error;
    }
}

export function stop(stream) {
    for (const track of stream?.getTracks() ?? []) track.stop();
}

/** Cameras and microphones; their names are told only once one of them was allowed. */
export async function devices() {
    const all = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
    return {
        cameras: all.filter(({ kind }) => kind === 'videoinput'),
        microphones: all.filter(({ kind }) => kind === 'audioinput'),
    };
}

function device(id) {
    return id ? { deviceId: { exact: id } } : {};
}

function add(stream, other) {
    for (const track of other.getTracks()) stream.addTrack(track);
}

async function named(what, ask) {
    try {
        return await ask();
    } catch (error) {
        throw new Error(sentence(what, error));
    }
}

function sentence(what, error) {
    switch (error.name) {
    case 'NotAllowedError': return `The browser may not use ${what}: allow it beside the address of this page, or in the `
        + 'system’s settings of privacy, and press Publish again.';
    case 'NotFoundError': return `There is nothing to be used as ${what}. Plug one in, or choose None.`;
    case 'NotReadableError': return `Another program holds ${what}, or it is broken. Close that program and try again.`;
    case 'OverconstrainedError': return `The chosen device for ${what} is gone. Choose another one.`;
    default: return `The browser can’t open ${what}: ${error.message || error.name}.`;
    }
}
