// What the browser makes of a page, whatever length its head announces.

import {el} from './words.js';

// load loads an answer in a frame and with fetch, and returns what each got. If
// the document breaks off, the frame may never say that it has loaded. So it gets
// one second more than fetch.
export async function load(url, card) {
  const frame = el('iframe', {title: `What the browser shows: Content-Length ${card.dataset.mode}`, src: url});
  const loaded = new Promise(resolve => frame.addEventListener('load', () => resolve(true)));
  card.append(frame);
  const {fetched, error} = await fetchWhole(url);
  const finished = await Promise.race([loaded, new Promise(resolve => setTimeout(resolve, 1000, false))]);
  let shown = '';
  try {
    shown = frame.contentDocument.body.innerText.trim();
  } catch { // there is no body, or the browser put a page of its own there
  }
  return {shown, finished, fetched, error};
}

// fetchWhole counts the bytes that fetch gives, and returns the error after them.
async function fetchWhole(url) {
  let fetched = 0;
  try {
    const reader = (await fetch(url)).body.getReader();
    for (let piece; !(piece = await reader.read()).done;) fetched += piece.value.length;
  } catch (e) {
    return {fetched, error: String(e)};
  }
  return {fetched, error: ''};
}

// describe puts the numbers below a frame.
export function describe(a, card) {
  const d = (term, ...description) => [el('dt', {}, term), el('dd', {}, ...description)];
  card.prepend(el('h3', {}, a.announced ? `Content-Length: ${a.announced}` : 'no Content-Length'));
  card.append(el('dl', {},
    ...d('sent', `${a.sent} bytes`),
    ...d('announced', a.announced ? `${a.announced} bytes` : 'nothing'),
    ...d('the frame shows', ...a.shown ? [el('q', {}, a.shown), ` ${new TextEncoder().encode(a.shown).length} bytes`] : ['nothing'],
      a.finished ? '' : ', and has not finished loading'),
    ...d('fetch gets', a.error ? `${a.fetched} bytes, then ${a.error}` : `${a.fetched} bytes, no error`)),
  el('details', {}, el('summary', {}, 'The command, and the head'), el('code', {}, a.command), el('pre', {}, a.head)));
}
