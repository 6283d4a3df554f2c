// The page starts a stage or a program, lets this browser load from it, and draws what
// comes back. lanes.go and wire.go make the pictures. They are only drawn here.

// The answers of all experiments, as they came, for the report.
const record = {};
let about = {kinds: [], programs: 0};

// el makes an element: el('p', {class: 'x'}, 'text', otherElement).
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) e.setAttribute(name, value);
  e.append(...children);
  return e;
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
  into.replaceChildren(el('p', {}, `Loading from ${begun.command} …`));
  const frame = el('iframe', {class: 'page-frame', title: `The page, loaded from ${begun.command}`});
  const timings = measured(frame);
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
// Timing. If the page does not come, the frame only has its load event.
function measured(frame) {
  return new Promise(resolve => {
    const listener = event => {
      if (event.source !== frame.contentWindow || !event.data.timings) return;
      removeEventListener('message', listener);
      resolve(event.data.timings);
    };
    addEventListener('message', listener);
    frame.addEventListener('load', () => setTimeout(() => {
      removeEventListener('message', listener);
      resolve([]);
    }, 2000));
  });
}

// --- Pictures

// pictures draws outcomes below each other, on the same time axis. again starts one anew.
function pictures(outcomes, again) {
  const length = Math.max(...outcomes.map(o => o.length));
  return outcomes.map((o, i) => el('div', {class: 'pair'},
    el('h3', {}, `${o.name[0].toUpperCase()}${o.name.slice(1)}: `, el('code', {}, o.command)),
    ...o.trouble ? [trouble(o, () => again(i))] : [],
    ...!o.length ? [] : [
      picture('What the browser saw (Resource Timing)', o.browser ?? [], length),
      picture(o.program ? 'What passed on the wire (the tap)' : 'What the server did (its log)', o.server ?? [], length),
      wire(o)]));
}

// trouble says what went wrong with a program.
function trouble(o, again) {
  const button = el('button', {type: 'button', class: 'controls'}, 'Start it again');
  button.addEventListener('click', again);
  return el('div', {class: 'trouble'}, el('p', {class: 'error', role: 'alert'}, o.trouble), button);
}

// wire lists the connections. Each opens to what was said on it.
function wire(o) {
  return el('details', {class: 'wire'}, el('summary', {}, `On the wire: ${(o.wire ?? []).length} connections`),
    ...(o.wire ?? []).map(c => el('details', {}, el('summary', {}, el('b', {}, c.name), `: ${c.says}`),
      el('ol', {class: 'pieces'}, ...c.pieces.map(piece)))));
}

function piece(p) {
  const ends = {FIN: 'FIN: nothing more will come', RST: 'RST: it resets the connection'};
  const size = p.reads > 1 ? `${p.size} bytes in ${p.reads} pieces` : `${p.size} bytes`;
  return el('li', {class: p.from}, el('span', {class: 'when'}, `${p.at.toFixed(1)} ms`), ` ${p.from}: ${ends[p.end] ?? size}`,
    ...(p.parts ?? []).map(part => part.body ?
      el('details', {}, el('summary', {}, `${part.size} bytes of the body`), el('pre', {}, part.text)) :
      el('pre', {}, part.text)));
}

function picture(title, lanes, length) {
  const percent = n => `${(100 * n / length).toFixed(3)}%`;
  const list = el('ul', {class: 'lanes'}, ...lanes.map(lane => {
    const track = el('div', {class: 'track', 'aria-hidden': 'true', title: lane.says});
    for (const s of lane.spans ?? []) {
      track.append(el('span', {class: s.kind, style: `left:${percent(s.from)};width:${percent(s.to - s.from)}`}));
    }
    return el('li', {}, el('span', {class: 'name'}, lane.name), el('span', {class: 'hidden'}, `: ${lane.says}`), track);
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
      el('h3', {}, `${o.name}: ${o.command}`),
      ...[['browser', o.browser], ['server', o.server]].map(([who, lanes]) =>
        el('ul', {}, ...(lanes ?? []).map(l => el('li', {}, `${who}, ${l.name}: ${l.says}`)))),
      el('pre', {class: 'events'}, [...o.timings ?? [], ...o.log ?? []].map(e => JSON.stringify(e)).join('\n')),
    ]));
}

function table(head, rows) {
  return el('div', {class: 'wide'}, el('table', {},
    el('thead', {}, el('tr', {}, ...head.map(h => el('th', {scope: 'col'}, h)))),
    el('tbody', {}, ...rows.map(row => el('tr', {}, ...row.map(cell =>
      el('td', /^[\d.]+( ms)?$/.test(cell) ? {class: 'number'} : {}, String(cell))))))));
}

function totals(outcomes) {
  return table(['server', 'flags', 'objects', 'page and objects', 'connections'], outcomes.map(o => [
    o.name, o.program ? '' : o.command.split(' ').slice(3).join(' '),
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
    ...pictures(outcomes, again), legend(outcomes), inWords(outcomes));
  const again = i => {
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
    return show(into, all, totals, ([one, two]) => `${settings.objects} objects, each answer delayed by ${settings.delay} ms, ` +
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
        ['also sent to net/http (which cannot announce a wrong length)', r.compared],
        ['net/http: the same status', r.sameStatus],
        ['… and the same body', r.sameBody],
      ]),
      el('p', {}, says),
      el('p', {}, 'These are the cases in which two of the three differ. The heads always differ: net/http adds Date and Last-Modified, and writes its fields in another order.'),
      ...groups(r.kinds, r.differ ?? []));
    return {says, data: r};
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
function groups(kinds, differ) {
  return kinds.map(kind => {
    const cases = differ.filter(d => d.kind === kind);
    return el('details', {}, el('summary', {}, `${cases.length}: ${kind}`),
      ...cases.map(d => el('details', {}, el('summary', {}, el('code', {}, d.name), `: ${d.want}. `, el('span', {class: 'says'}, d.how)),
        el('h3', {}, 'request'), el('pre', {}, d.request),
        el('div', {class: 'answers'}, ...['stage 1', 'stage 2', 'net/http'].map((who, i) =>
          el('div', {}, el('h3', {}, who), el('pre', {}, d.answers[i])))))));
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
  const button = section.querySelector('form button'), title = section.querySelector('h2').textContent;
  const status = document.getElementById('status'); // screen readers read it aloud
  button.setAttribute('aria-disabled', 'true'); // not disabled: it keeps the focus
  section.setAttribute('aria-busy', 'true');
  status.textContent = `${title}: running`;
  delete record[name];
  try {
    into.replaceChildren(el('p', {}, 'Starting the stages …'));
    const {says, data} = await experiments[name](section.querySelector('form'), into);
    record[name] = data;
    section.dataset.state = 'done';
    status.textContent = `${title}: done. ${says}`;
    document.getElementById('save').disabled = false;
  } catch (e) {
    into.replaceChildren(el('p', {class: 'error', role: 'alert'}, e.message));
    section.dataset.state = 'failed';
    status.textContent = `${title}: failed`;
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
  page.querySelector('body').classList.remove('bare');
  for (const section of page.querySelectorAll('section')) {
    if (!record[section.id]) section.remove();
  }
  page.querySelector('head').append(el('style', {}, await (await fetch('style.css')).text()));
  page.querySelector('#about').textContent += ` Saved on ${new Date().toString()}.`;
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

const query = new URLSearchParams(location.search);

for (const name of Object.keys(experiments)) {
  const form = document.querySelector(`#${name} form`), button = form.querySelector('button');
  const title = document.querySelector(`#${name} h2`);
  title.id = `${name}-title`;
  button.id = `${name}-run`;
  button.setAttribute('aria-labelledby', `${button.id} ${title.id}`); // five buttons that say Run
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') !== 'true') run(name);
  });
}
document.getElementById('all').addEventListener('click', () => {
  for (const form of document.querySelectorAll('section:not([hidden]) form')) form.requestSubmit();
});
let saved; // when the report is
document.getElementById('save').addEventListener('click', () => { saved = save(); });

// ?run=objects,slow runs only these experiments, at once, and shows nothing else.
// &slow=silent sets a control, &again starts once more what failed, and &report saves
// the report into the page.
const wanted = query.get('run')?.split(',') ?? [];
if (wanted.length > 0) {
  // The page has loaded when this picture has loaded. So a browser without a
  // window waits for the picture before it prints the page.
  document.body.append(el('img', {id: 'hold', src: 'hold', alt: '', width: 1, height: 1}));
}
about = await (await fetch('about')).json();
document.getElementById('programs').hidden = !about.programs;
document.getElementById('about').textContent = `${about.machine}; ${navigator.userAgent}.`;

if (wanted.length > 0) {
  document.body.classList.add('bare');
  for (const section of document.querySelectorAll('section')) section.hidden = !wanted.includes(section.id);
  for (const control of document.querySelectorAll('form [name]')) {
    if (control.type === 'checkbox') control.checked = query.has(control.name);
    else if (query.has(control.name)) control.value = query.get(control.name);
  }
  document.getElementById('all').click();
  await queue;
  if (query.has('again')) {
    for (const button of document.querySelectorAll('.trouble button')) button.click();
    await queue;
  }
  if (query.has('report')) document.getElementById('save').click();
  await saved;
  await post('done');
}
