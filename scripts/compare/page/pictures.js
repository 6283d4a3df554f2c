// Pictures of trials, and what was said on the wire. lanes.go and wire.go make them. They
// are only drawn here.

import {el} from './words.js';

export const ms = n => `${Math.round(n)} ms`;

// pictures draws outcomes below each other, on the same time axis. again starts one anew.
export function pictures(outcomes, again) {
  const good = outcomes.filter(o => !o.trouble); // one that hangs must not make the others' pictures small
  const length = Math.max(...(good.length ? good : outcomes).map(o => o.length));
  return outcomes.map((o, i) => el('div', {class: 'pair'},
    who(o),
    ...o.trouble ? [trouble(o, () => again(i))] : [],
    ...!o.length ? [] : [
      picture('What the browser saw (Resource Timing)', o.browser ?? [], length, o.length),
      picture(o.program ? 'What the server did (the tap)' : 'What the server did (the tap, and its log)', o.server ?? [], length, o.length),
      wire(o)]));
}

export const who = o => el('h3', {}, `${o.name[0].toUpperCase()}${o.name.slice(1)}`, ': ', el('code', {}, o.command));

// trouble says what went wrong with a server.
function trouble(o, again) {
  const button = el('button', {type: 'button', class: 'controls'}, 'Start it again');
  button.addEventListener('click', again);
  return el('div', {class: 'trouble'}, fault(o.trouble), button);
}

// fault is what went wrong: what, where the reason may be, and what stands there.
export const fault = text => el('p', {class: 'error', role: 'alert'},
  ...text.split('\n').flatMap((line, i) => [i ? '\n' : '', i < 2 ? line : new Text(line)]));

// wire lists the connections. Each opens to what was said on it.
function wire(o) {
  return el('details', {class: 'wire'}, el('summary', {}, `On the wire: ${(o.wire ?? []).length} connections`),
    ...(o.wire ?? []).map(talk));
}

// talk is what was said on a connection. It opens to the pieces.
export function talk(c) {
  return el('details', {}, el('summary', {}, el('b', {}, c.name), ': ', c.says), ...c.states ? [el('p', {}, c.states)] : [],
    pieces(c.pieces));
}

// pieces lists what passed. Of many small pieces in a row only the first are open.
export function pieces(all) {
  const list = el('ol', {class: 'pieces'}), most = 4;
  for (let i = 0, end; i < all.length; i = end) {
    for (end = i + 1; end < all.length && all[end].from === all[i].from && !all[end].end; end++);
    const shown = end - i > most + 2 ? i + most : end;
    list.append(...all.slice(i, shown).map(piece));
    if (shown < end) {
      list.append(el('li', {class: all[i].from}, el('details', {}, el('summary', {}, `${end - shown} pieces more`),
        el('ol', {class: 'pieces'}, ...all.slice(shown, end).map(piece)))));
    }
  }
  return list;
}

function piece(p) {
  const ends = {FIN: 'FIN: nothing more will come', RST: 'RST: it resets the connection'};
  const bytes = p.size === 1 ? '1 byte' : `${p.size} bytes`, size = p.reads > 1 ? `${bytes} in ${p.reads} pieces` : bytes;
  return el('li', {class: p.from}, el('span', {class: 'when'}, `${p.at.toFixed(1)} ms`), ' ', p.from, ': ', ends[p.end] ?? size,
    ...(p.parts ?? []).map(part => part.body ?
      el('details', {}, el('summary', {}, part.size === 1 ? '1 byte of the body' : `${part.size} bytes of the body`), el('pre', {}, part.text)) :
      el('pre', {}, ...part.text.split('\n').flatMap((line, i) => [i ? '\n' : '', ...field(line)]))));
}

// field lines the fields of a head up.
function field(line) {
  const [, name, value] = /^([\w-]+:)(.*)$/.exec(line) ?? [];
  return name ? [el('span', {class: 'field'}, new Text(name)), value] : [line];
}

// picture draws lanes on an axis of so many milliseconds; the trial itself may have ended before.
function picture(title, lanes, length, ended) {
  const percent = n => `${(100 * n / length).toFixed(3)}%`;
  const list = el('ul', {class: 'lanes'}, ...lanes.map(lane => {
    const track = el('div', {class: 'track', 'aria-hidden': 'true', style: `background-size: ${percent(ended)} 100%`});
    for (const s of lane.spans ?? []) {
      track.append(el('span', {class: s.kind, style: `left:${percent(s.from)};width:${percent(s.to - s.from)}`}));
    }
    return el('li', {}, el('span', {class: 'name'}, lane.name), el('span', {class: 'hidden'}, ': ', lane.says), track);
  }));
  const axis = el('div', {class: 'axis', 'aria-hidden': 'true'});
  const step = tick(length);
  for (let at = 0; at <= length * 0.92; at += step) {
    axis.append(el('span', {style: `left:${percent(at)}`}, at === 0 ? '0 ms' : String(at)));
  }
  return el('figure', {class: 'picture'}, el('figcaption', {}, title), list, axis);
}

// tick is a round number of milliseconds, so that about five ticks fit.
function tick(length) {
  const rough = length / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
}

export function legend(outcomes, kinds) {
  const used = new Set(outcomes.flatMap(o => [...o.browser ?? [], ...o.server ?? []]).flatMap(l => l.spans ?? []).map(s => s.kind));
  return el('p', {class: 'legend'}, ...kinds.filter(k => used.has(k.Kind)).map(k =>
    el('span', {}, el('span', {class: `key ${k.Kind}`, 'aria-hidden': 'true'}), k.Means)));
}

// inWords writes the lanes as text, for people who cannot see the picture, and for
// exact numbers.
export function inWords(outcomes) {
  return el('details', {}, el('summary', {}, 'The same in words, and the raw events'),
    ...outcomes.flatMap(o => [
      who(o),
      ...[['browser', o.browser], ['server', o.server]].map(([side, lanes]) =>
        el('ul', {}, ...(lanes ?? []).map(l => el('li', {}, side, ', ', l.name, ': ', l.says)))),
      el('pre', {class: 'events'}, [...o.timings ?? [], ...o.log ?? []].map(e => JSON.stringify(e)).join('\n')),
    ]));
}

export function table(head, rows) {
  return el('div', {class: 'wide'}, el('table', {},
    el('thead', {}, el('tr', {}, ...head.map(h => el('th', {scope: 'col'}, h)))),
    el('tbody', {}, ...rows.map(row => el('tr', {}, ...row.map(cell =>
      el('td', /^[\d.]+( ms)?$/.test(cell) ? {class: 'number'} : {}, cell instanceof Node ? cell : String(cell))))))));
}

export function totals(outcomes) {
  return table(['server', 'flags', 'objects', 'page and objects', 'connections'], outcomes.map(o => [
    o.name, o.program ? 'no delay' : el('code', {}, o.command.split(' ').slice(3).join(' ')),
    ...o.trouble ? ['not whole', 'not whole'] : [ms(o.objectsTime), ms(o.totalTime)], o.connections]));
}

export const ratio = (a, b) => (a / b).toFixed(1);
