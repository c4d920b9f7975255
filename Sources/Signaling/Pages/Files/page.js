// What both pages have: making elements, notices, the question for a token.

import { room, setToken } from './gateway.js';

/** An element with properties (`dataset`, `aria…` and events by their names) and children. */
export function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
        else if (name.startsWith('aria') || name === 'role' || name === 'for') {
            element.setAttribute(name.replace(/^aria(?=[A-Z])/, 'aria-').toLowerCase(), value);
        } else element[name] = value;
    }
    element.append(...children.filter((child) => child !== null));
    return element;
}

export const byID = (id) => document.getElementById(id);

/** Writes only what is new, so that screen readers aren't told the same again. */
export function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/** A toggle says its state in its words as well as to screen readers. */
export function setPressed(button, isPressed, text) {
    button.setAttribute('aria-pressed', String(isPressed));
    write(button, text);
}

export function openPage(title) {
    document.title = `${room} · ${title}`;
    write(byID('room'), room);
}

// MARK: Notices

/** One line above the content for each subject; an absent text takes it away. */
export function notice(subject, text, { isBad = false, action = null } = {}) {
    let line = document.querySelector(`#notices [data-subject="${subject}"]`);
    if (!text) {
        line?.remove();
        return;
    }
    if (line?.dataset.text === text) return;
    line?.remove();
    line = make('p', { className: isBad ? 'notice bad' : 'notice' }, make('span', {}, text));
    Object.assign(line.dataset, { subject, text });
    if (action) line.append(make('button', { type: 'button', onclick: action.run }, action.name));
    byID('notices').append(line);
}

/** Shows the gateway's sentence, and a place for the token. */
export function askForToken(problem) {
    const form = byID('token');
    write(byID('token-why'), `It says: ${problem.message}.`);
    form.hidden = false;
    byID('token-text').focus();
    form.onsubmit = (event) => {
        event.preventDefault();
        setToken(byID('token-text').value);
        location.reload();
    };
}
