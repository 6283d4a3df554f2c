// The page starts a stage or a program, lets this browser load from it, and draws what
// comes back. lanes.go and wire.go make the pictures. They are only drawn here.

const query = new URLSearchParams(location.search);

// ?run=objects,slow runs only these experiments, at once, and shows nothing else.
// &slow=silent sets a control, &preset=N what is sent, &lang=zh the language; &again starts once
// more what failed, &press=CHECK sends a check of the sheet, and &report saves the report into
// the page.
const wanted = query.get('run')?.split(',') ?? [];
if (wanted.length > 0) {
  // The page has loaded when this picture has loaded. So a browser without a
  // window waits for the picture before it prints the page.
  document.body.append(Object.assign(new Image(1, 1), {id: 'hold', src: 'hold', alt: ''}));
}

// The answers of all experiments, as they came, for the report.
const record = {};
let about = {kinds: [], programs: 0};

// --- Two languages

// What the page says stands there in both languages, and style.css shows one of them: so
// the switch works in a saved report, which runs nothing. zh.json has the sentences in
// Chinese: {} is a part that changes, {1} the first of these. Of two sentences that fit,
// the longer one counts. A list is taken apart at its commas, unless a sentence has them.
const zh = Object.entries(await (await fetch('zh.json')).json()).sort(([a], [b]) => b.length - a.length).map(([english, chinese]) => ({
  whole: pattern(english, '([^]*?)'), item: pattern(english, '((?:(?!, )[^])*?)'), chinese,
}));

function pattern(english, changes) {
  return new RegExp(`^${english.split('{}').map(part => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join(changes)}$`);
}

function inChinese(text) {
  const fit = kind => {
    for (const sentence of zh) {
      const parts = sentence[kind].exec(text);
      if (parts) return sentence.chinese.replace(/\{(\d)\}/g, (_, n) => inChinese(parts[n]) ?? parts[n]);
    }
  };
  const list = text.split(', ');
  return fit('item') ?? (list.length > 1 && list.every(inChinese) ? list.map(inChinese).join('，') : fit('whole'));
}

// both is a text in both languages. Numbers, and names of files and fields, are the same in both.
const untranslated = new Set(); // a test looks for it
function both(text) {
  const [, before, words, behind] = /^(\s*)([^]*?)(\s*)$/.exec(text);
  if (!/[A-Za-z]{2}/.test(words) || /^[\w-]+\.\w+$/.test(words)) return [text];
  const chinese = inChinese(words);
  if (chinese === undefined) untranslated.add(words);
  return chinese === undefined ? [text] : [before, ...pair(words, chinese), behind];
}

const pair = (english, chinese) => [['en', english], ['zh-CN', chinese]].map(([lang, text]) => {
  const span = document.createElement('span');
  span.lang = lang;
  span.textContent = text;
  return span;
});

// el makes an element: el('p', {class: 'x'}, 'text', otherElement). A text in it becomes
// one in both languages, unless it is code, or somebody else's.
const asItIs = ['code', 'pre', 'q', 'style', 'textarea'];
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) e.setAttribute(name, value);
  e.append(...children.flatMap(child => typeof child === 'string' && !asItIs.includes(tag) ? both(child) : [child]));
  return e;
}

// translate makes texts of index.html bilingual. An option cannot have elements in it.
function translate(element) {
  for (const node of [...element.childNodes]) {
    if (node.nodeType === Node.TEXT_NODE) {
      const words = both(node.textContent.replace(/\s+/g, ' '));
      if (element.localName === 'option') node.textContent = words.map(w => w.textContent ?? w).filter(w => w.trim()).join(' · ');
      else node.replaceWith(...words);
    } else if (node.nodeType === Node.ELEMENT_NODE && !node.lang && !asItIs.includes(node.localName)) {
      translate(node);
    }
  }
}

const ms = n => `${Math.round(n)} ms`;

async function post(path, body) {
  const response = await fetch(path, {method: 'POST', body: JSON.stringify(body ?? {})});
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

// --- Loading from a stage

// trial starts a stage, loads its page in a frame, and returns the outcome.
async function trial(settings, into) {
  const begun = await post('trials', settings);
  if (begun.outcome) return begun.outcome; // a program that could not be started
  into.replaceChildren(el('p', {}, 'Loading …'));
  const frame = el('iframe', {class: 'page-frame', title: `The page, loaded from ${begun.command}`});
  const timings = measured(frame, begun.id);
  frame.src = `http://${location.hostname}:${begun.port}${begun.target}`;
  into.append(frame);
  // If the user leaves the page, its stage ends.
  const leave = () => navigator.sendBeacon(`trials/${begun.id}`, '{}');
  addEventListener('pagehide', leave);
  const measurements = await timings;
  removeEventListener('pagehide', leave);
  const outcome = await post(`trials/${begun.id}`, {timings: measurements});
  frame.remove(); // and its connections with it
  return outcome;
}

// measured waits until the page in the frame has loaded and sends its own Resource
// Timing. If the page does not come, the frame only has its load event, or not even that:
// then the server tells that nothing happens any more.
function measured(frame, id) {
  return new Promise(resolve => {
    const listener = event => {
      if (event.source !== frame.contentWindow || !event.data.timings) return;
      removeEventListener('message', listener);
      resolve(event.data.timings);
    };
    addEventListener('message', listener);
    const over = () => setTimeout(() => {
      removeEventListener('message', listener);
      resolve([]);
    }, 2000);
    frame.addEventListener('load', over);
    fetch(`trials/${id}/quiet`).then(over);
  });
}

// --- Pictures

// pictures draws outcomes below each other, on the same time axis. again starts one anew.
function pictures(outcomes, again) {
  const good = outcomes.filter(o => !o.trouble); // one that hangs must not make the others' pictures small
  const length = Math.max(...(good.length ? good : outcomes).map(o => o.length));
  return outcomes.map((o, i) => el('div', {class: 'pair'},
    who(o),
    ...o.trouble ? [trouble(o, () => again(i))] : [],
    ...!o.length ? [] : [
      picture('What the browser saw (Resource Timing)', o.browser ?? [], length),
      picture(o.program ? 'What passed on the wire (the tap)' : 'What the server did (its log)', o.server ?? [], length),
      wire(o)]));
}

const who = o => el('h3', {}, `${o.name[0].toUpperCase()}${o.name.slice(1)}`, ': ', el('code', {}, o.command));

// trouble says what went wrong with a program.
function trouble(o, again) {
  const button = el('button', {type: 'button', class: 'controls'}, 'Start it again');
  button.addEventListener('click', again);
  return el('div', {class: 'trouble'}, el('p', {class: 'error', role: 'alert'}, o.trouble), button);
}

// wire lists the connections. Each opens to what was said on it.
function wire(o) {
  return el('details', {class: 'wire'}, el('summary', {}, `On the wire: ${(o.wire ?? []).length} connections`),
    ...(o.wire ?? []).map(talk));
}

// talk is what was said on a connection. It opens to the pieces.
function talk(c) {
  return el('details', {}, el('summary', {}, el('b', {}, c.name), ': ', c.says), ...c.states ? [el('p', {}, c.states)] : [],
    pieces(c.pieces));
}

// pieces lists what passed. Of many small pieces in a row only the first are open.
function pieces(all) {
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

function picture(title, lanes, length) {
  const percent = n => `${(100 * n / length).toFixed(3)}%`;
  const list = el('ul', {class: 'lanes'}, ...lanes.map(lane => {
    const track = el('div', {class: 'track', 'aria-hidden': 'true'});
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

function legend(outcomes) {
  const used = new Set(outcomes.flatMap(o => [...o.browser ?? [], ...o.server ?? []]).flatMap(l => l.spans ?? []).map(s => s.kind));
  return el('p', {class: 'legend'}, ...about.kinds.filter(k => used.has(k.Kind)).map(k =>
    el('span', {}, el('span', {class: `key ${k.Kind}`, 'aria-hidden': 'true'}), k.Means)));
}

// inWords writes the lanes as text, for people who cannot see the picture, and for
// exact numbers.
function inWords(outcomes) {
  return el('details', {}, el('summary', {}, 'The same in words, and the raw events'),
    ...outcomes.flatMap(o => [
      who(o),
      ...[['browser', o.browser], ['server', o.server]].map(([side, lanes]) =>
        el('ul', {}, ...(lanes ?? []).map(l => el('li', {}, side, ', ', l.name, ': ', l.says)))),
      el('pre', {class: 'events'}, [...o.timings ?? [], ...o.log ?? []].map(e => JSON.stringify(e)).join('\n')),
    ]));
}

function table(head, rows) {
  return el('div', {class: 'wide'}, el('table', {},
    el('thead', {}, el('tr', {}, ...head.map(h => el('th', {scope: 'col'}, h)))),
    el('tbody', {}, ...rows.map(row => el('tr', {}, ...row.map(cell =>
      el('td', /^[\d.]+( ms)?$/.test(cell) ? {class: 'number'} : {}, cell instanceof Node ? cell : String(cell))))))));
}

function totals(outcomes) {
  return table(['server', 'flags', 'objects', 'page and objects', 'connections'], outcomes.map(o => [
    o.name, el('code', {}, o.program ? '' : o.command.split(' ').slice(3).join(' ')),
    ...o.trouble ? ['not whole', 'not whole'] : [ms(o.objectsTime), ms(o.totalTime)], o.connections]));
}

const ratio = (a, b) => (a / b).toFixed(1);

// --- The experiments. Each one reads its form, runs, and shows the result. It
// returns a sentence or two about it, and the raw data.

// stages runs a trial of each stage, and everyone one of each program, too.
const stages = async (settings, into) => [await trial({...settings, stage: 1}, into), await trial({...settings, stage: 2}, into)];
async function everyone(settings, into) {
  const outcomes = await stages(settings, into);
  for (let program = 1; program <= about.programs; program++) outcomes.push(await trial({...settings, program}, into));
  return outcomes;
}

// show shows trials: what first makes of them (an element or nothing), what tell says about
// them, and their pictures.
function show(into, outcomes, first, tell) {
  const draw = () => into.replaceChildren(first(outcomes), el('p', {}, tell(outcomes)),
    ...pictures(outcomes, restart), legend(outcomes), inWords(outcomes));
  const restart = i => {
    const {delay, objects, keepAlive, slow, program} = outcomes[i];
    queue = queue.then(() => trial({delay, objects, keepAlive, slow, program}, into))
      .then(outcome => { outcomes[i] = outcome; }, e => { outcomes[i].trouble = e.message; }).then(draw);
  };
  draw();
  return {says: tell(outcomes), data: outcomes};
}

const experiments = {
  async objects(form, into) {
    const settings = {
      objects: form.elements.objects.valueAsNumber, delay: form.elements.delay.valueAsNumber,
      keepAlive: form.elements.keepAlive.checked,
    };
    const all = await everyone(settings, into);
    return show(into, all, totals, ([one, two]) => `${settings.objects} objects, each answer of a stage delayed by ${settings.delay} ms, ` +
      `${settings.keepAlive ? 'persistent connections' : 'a connection for each'}: ` +
      `stage 1 took ${ratio(one.objectsTime, two.objectsTime)} times as long as stage 2 for the objects, ` +
      `${ratio(one.totalTime, two.totalTime)} times with the page.`);
  },

  async slow(form, into) {
    const settings = {slow: form.elements.slow.value};
    const all = await everyone(settings, into);
    return show(into, all, () => '', ([one, two, ...more]) => `The slow client sent ${settings.slow === 'half' ? 'half a request' : 'nothing'}. ` +
      `From stage 1 the page came after ${ms(one.totalTime)}, from stage 2 after ${ms(two.totalTime)}` +
      more.map(o => `, from ${o.name} ${o.trouble ? 'not whole' : `after ${ms(o.totalTime)}`}`).join('') + '.');
  },

  async lengths(form, into) {
    const sent = await post('lengths');
    const cards = sent.map(({mode}) => el('article', {'data-mode': mode}));
    into.replaceChildren(el('div', {class: 'frames'}, ...cards));
    const answers = await Promise.all(sent.map(async (answer, i) => ({...answer, ...await load(`relay/${answer.mode}/HelloWorld.html`, cards[i])})));
    answers.forEach((answer, i) => describe(answer, cards[i]));
    const says = answers.map(a => `${a.announced || 'no length'}: the frame shows ${a.shown || 'nothing'}`).join('; ') + '.';
    return {says, data: answers};
  },

  async same(form, into) {
    into.replaceChildren(el('p', {}, 'Asking …'));
    const r = await post('same');
    const says = `Stage 1 and stage 2 sent the same bytes in ${r.equal} of ${r.cases} cases.`;
    into.replaceChildren(
      table(['', 'cases'], [
        ['golden cases', r.cases],
        ['stage 1 and stage 2 sent the same bytes', r.equal],
        ['… and these were the golden bytes', r.golden],
        ...r.programs.flatMap(p => [[`${p.name}: asked of the core, without flags`, p.asked],
          ['… the same status as stage 1', p.status], ['… and the same body', p.body]]),
      ]),
      ...r.programs.filter(p => p.trouble).map(p => el('p', {class: 'error'}, p.trouble)),
      el('p', {}, says),
      ...groups(r.differ ?? []));
    return {says, data: r};
  },

  async sheet(form, into) {
    into.replaceChildren(el('p', {}, 'The checks run …'));
    const sheets = [];
    for (let program = 1; program <= about.programs; program++) sheets.push(await post('sheet', {program}));
    into.replaceChildren(...sheets.flatMap(sheet));
    return {says: sheets.map(s => `${s.points} of ${s.of} points`).join(', ') || 'no program', data: sheets};
  },

  async send(form, into) {
    const {text, crlf, cuts, wait, end} = form.elements;
    const m = {text: text.value, crlf: crlf.checked, cuts: cuts.value.split(/[ ,]+/).filter(Boolean).map(Number), wait: wait.valueAsNumber, end: end.value, case: form.dataset.case ?? ''};
    into.replaceChildren(el('p', {}, 'Asking …'));
    const answer = await post('send', m);
    into.replaceChildren(...replies(answer, m));
    return {says: 'Everybody has answered, or has had the time to.', data: {message: m, ...answer}};
  },

  async live(form, into) {
    into.replaceChildren();
    const {servers, visited} = await live(into);
    if (wanted.length > 0) { // nobody else opens it
      for (const link of into.querySelectorAll('a')) fetch(link.href, {mode: 'no-cors'}).catch(() => {});
      await visited;
      source.close();
    }
    return {says: 'The servers run.', data: record.live ?? []};
  },

  async persistent(form, into) {
    const settings = {objects: 6, delay: 100};
    const all = [...await stages(settings, into), ...await everyone({...settings, keepAlive: true}, into)];
    return show(into, all, totals, ([one, two, kept, keptToo]) =>
      `Stage 1 with -keep-alive took ${ratio(kept.totalTime, one.totalTime)} times as long as without it, ` +
      `stage 2 ${ratio(keptToo.totalTime, two.totalTime)} times.`);
  },
};

// load loads an answer in a frame and with fetch, and returns what each got. If
// the document breaks off, the frame may never say that it has loaded. So it gets
// one second more than fetch.
async function load(url, card) {
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
function describe(a, card) {
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

// groups lists the differences by their kind. Each kind can be opened.
function groups(differ) {
  return [...Map.groupBy(differ, d => d.kind)].map(([kind, cases]) => el('details', {}, el('summary', {}, `${cases.length}: `, kind),
    ...cases.map(d => el('p', {}, el('code', {}, d.name), ' ', ...again(presets.find(p => p.case === d.name))))));
}

// replies shows what everybody made of a message, side by side.
function replies({replies, command}, m) {
  return [...command ? [el('p', {}, 'The same by hand: ', el('code', {}, command))] : [],
    el('div', {class: 'answers'}, ...replies.map(r => el('div', {}, who(r),
      ...r.trouble ? [el('p', {class: 'error'}, r.trouble)] : [],
      ...r.wrong ? [el('details', r.why ? {open: ''} : {}, el('summary', {}, r.why ? 'not the golden bytes' : 'other bytes than stage 1'),
        el('p', {class: 'why'}, ...pair(r.why, r.whyZh)), el('pre', {}, r.wrong))] :
        [el('p', {}, !r.equal ? 'no answer' : r.golden ? 'the golden bytes' : 'the same bytes as stage 1')],
      ...r.talk.pieces ? [el('p', {}, r.talk.says), el('p', {}, r.talk.states), pieces(r.talk.pieces)] : [])))];
}

// sheet shows the textbook's checks of a program. What went wrong can be sent again.
function sheet(s) {
  if (s.trouble) return [el('h3', {}, el('code', {}, s.command), ': not graded'), el('p', {class: 'error'}, new Text(s.trouble))];
  const points = r => {
    const earned = (r.status === 'passed' ? r.weight : 0) - (r.deductions ?? []).reduce((sum, d) => sum + d.points, 0);
    return r.weight ? `${earned}/${r.weight}` : earned ? String(earned) : '';
  };
  return [el('h3', {}, el('code', {}, s.command), `: ${s.points} of ${s.of} points`),
    ...(s.remarks ?? []).map(r => el('p', {}, new Text(r))),
    table(['check', 'points', 'what was seen, and why'], s.results.map(r => [el('span', {}, r.want), points(r),
      el('div', {}, ...[...r.status === 'passed' || r.deductions?.some(d => d.diagnosis === r.diagnosis) ? [] : [{...r, points: r.weight}], ...r.deductions ?? []].flatMap(m => [
        el('p', {class: 'why'}, r.status === 'not run' ? 'not run: ' : m.points ? `−${m.points} ` : '', ...m.whyZh ? pair(m.why, m.whyZh) : [m.why],
          ...m.note ? [' ', el('code', {}, ...pair(m.note, m.note.replace('.md', '.zh-CN.md')))] : []),
        ...m.seen ? [el('pre', {}, m.seen)] : []]),
      ...r.status === 'passed' && !r.deductions ? ['passed'] : again(presets.find(p => p.name === r.name)))]))];
}

// --- Send it yourself

let presets = [];

// again is a button that sends a preset, if there is one.
function again(preset) {
  if (!preset) return [];
  const button = el('button', {type: 'button', class: 'controls', 'data-check': preset.name}, 'Send this again');
  button.addEventListener('click', () => {
    fill(preset);
    run('send');
    document.getElementById('send').scrollIntoView();
  });
  return [button];
}

// fill puts a message into its form.
function fill(m) {
  const {text, crlf, cuts, wait, end} = document.querySelector('#send form').elements;
  [text.value, crlf.checked, cuts.value, wait.value, end.value] = [m.text, m.crlf, (m.cuts ?? []).join(' '), m.wait, m.end];
  document.querySelector('#send form').dataset.case = m.case;
}

// --- Live

let source; // of events, while the servers run for anybody

// live starts everyone, and shows what comes to them as it comes. It returns when all have
// said where they are.
function live(into) {
  source?.close();
  source = new EventSource('live');
  const servers = [], talks = new Map(), ended = []; // ended: resolve functions of a test
  return new Promise((resolve, reject) => {
    source.onerror = () => { source.close(); reject(new Error('The servers do not run any more.')); };
    source.onmessage = message => {
      const e = JSON.parse(message.data);
      let server = servers[e.server];
      if (!server) {
        const href = `http://${location.hostname}:${e.port}/HelloWorld.html`;
        server = servers[e.server] = el('div', {class: 'wire', style: `order: ${e.server}`}, who(e),
          ...e.port ? [el('p', {}, el('a', {href, target: '_blank'}, new Text(href)))] : []);
        into.append(server);
      }
      if (e.trouble) server.append(el('p', {class: 'error', role: 'alert'}, e.trouble));
      if (e.talk) {
        const key = `${e.server} ${e.number}`, shown = talk(e.talk), old = talks.get(key);
        shown.open = old?.element.open ?? false;
        old ? old.element.replaceWith(shown) : server.append(shown);
        talks.set(key, {element: shown, event: e});
        if (e.talk.says && !e.talk.says.includes('still open')) server.dataset.talked = 'yes';
        record.live = [...talks.values()].map(t => t.event);
        if (servers.filter(s => s?.dataset.talked).length === 2 + about.programs) ended.forEach(f => f());
      }
      if (servers.filter(Boolean).length === 2 + about.programs) resolve({servers, visited: new Promise(f => ended.push(f))});
    };
  });
}

// --- Running

let queue = Promise.resolve(); // only one experiment at a time, so that they do not disturb each other

// run runs an experiment when the earlier ones have ended.
function run(name) {
  queue = queue.then(() => runNow(name));
}

async function runNow(name) {
  const section = document.getElementById(name), into = section.querySelector('.result');
  const button = section.querySelector('form button'), title = section.querySelector('h2 [lang=en]').textContent;
  const status = document.getElementById('status'); // screen readers read it aloud
  button.setAttribute('aria-disabled', 'true'); // not disabled: it keeps the focus
  section.setAttribute('aria-busy', 'true');
  status.replaceChildren(...both(`${title}: running`));
  delete record[name];
  try {
    into.replaceChildren(el('p', {}, 'Starting the stages …'));
    const {says, data} = await experiments[name](section.querySelector('form'), into);
    record[name] = data;
    section.dataset.state = 'done';
    status.replaceChildren(...both(`${title}: done`), '. ', ...both(says));
    document.getElementById('save').disabled = false;
  } catch (e) {
    into.replaceChildren(el('p', {class: 'error', role: 'alert'}, e.message));
    section.dataset.state = 'failed';
    status.replaceChildren(...both(`${title}: failed`));
  }
  section.removeAttribute('aria-busy');
  button.removeAttribute('aria-disabled');
}

// --- The report

// report makes a file from this page. It has all that is shown, and the raw
// events, but nothing that runs or loads.
async function report() {
  const page = document.documentElement.cloneNode(true);
  for (const e of page.querySelectorAll('script, link, iframe, .controls, #hold')) e.remove();
  page.querySelector(document.getElementById('zh').checked ? '#zh' : '#en').setAttribute('checked', '');
  page.querySelector('body').classList.remove('bare');
  for (const section of page.querySelectorAll('section')) {
    if (!record[section.id]) section.remove();
  }
  page.querySelector('head').append(el('style', {}, await (await fetch('style.css')).text()));
  page.querySelector('#about').append(' ', el('span', {}, `Saved on ${new Date().toString()}.`));
  const raw = JSON.stringify({about, browser: navigator.userAgent, saved: new Date().toISOString(), ...record}, null, 1);
  page.querySelector('body').append(
    el('details', {}, el('summary', {}, 'All raw data (JSON)'), el('pre', {id: 'raw'}, raw)));
  return '<!DOCTYPE html>\n' + page.outerHTML;
}

async function save() {
  const url = URL.createObjectURL(new Blob([await report()], {type: 'text/html'}));
  const link = el('a', {href: url, download: 'weblab-report.html'});
  if (query.has('report')) { // for a test to read
    document.body.append(el('pre', {id: 'report'}, await (await fetch(link.href)).text()));
  } else {
    link.click();
  }
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// --- Beginning

for (const name of Object.keys(experiments)) {
  const form = document.querySelector(`#${name} form`), button = form.querySelector('button');
  const title = document.querySelector(`#${name} h2`);
  title.id = `${name}-title`;
  button.id = `${name}-run`;
  button.setAttribute('aria-labelledby', `${button.id} ${title.id}`); // many buttons that say Run
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') !== 'true') run(name);
  });
}
document.getElementById('all').addEventListener('click', () => {
  for (const form of document.querySelectorAll('section:not([hidden]) form')) {
    if (wanted.length > 0 || form.parentElement.id !== 'live') form.requestSubmit(); // live does not end
  }
});
let saved; // when the report is
document.getElementById('save').addEventListener('click', () => { saved = save(); });

about = await (await fetch('about')).json();
translate(document.body);
document.querySelector('.languages').addEventListener('change', e => { document.documentElement.lang = e.target.parentElement.lang; });
document.getElementById('zh').checked = (query.get('lang') ?? navigator.language).startsWith('zh');
document.getElementById('programs').hidden = document.getElementById('sheet').hidden = !about.programs;
document.getElementById('tap').append(el('span', {}, `Here, the tap adds ${about.cost} µs to a request (the median of 200).`));
presets = await (await fetch('presets')).json();
const choice = document.querySelector('#send [name=preset]');
choice.append(...presets.map((p, i) => el('option', {value: i}, new Text(p.name))));
choice.addEventListener('change', () => fill(presets[choice.value]));
fill(presets[0]);
document.querySelector('#live [type=button]').addEventListener('click', () => source?.close());
document.getElementById('about').textContent = `${about.machine}; ${navigator.userAgent}.`;

if (wanted.length > 0) {
  document.body.classList.add('bare');
  for (const section of document.querySelectorAll('section')) section.hidden = !wanted.includes(section.id);
  for (const control of document.querySelectorAll('form [name]')) {
    if (control.type === 'checkbox') control.checked = query.has(control.name);
    else if (query.has(control.name)) control.value = query.get(control.name);
  }
  fill(presets[query.get('preset') ?? 0]);
  document.getElementById('all').click();
  await queue;
  if (query.has('again')) {
    for (const button of document.querySelectorAll('.trouble button')) button.click();
    await queue;
  }
  if (query.has('press')) {
    document.querySelector(`[data-check=${query.get('press')}]`).click();
    await queue;
  }
  if (untranslated.size > 0) document.body.dataset.untranslated = JSON.stringify([...untranslated]);
  if (query.has('report')) document.getElementById('save').click();
  await saved;
  await post('done');
}
