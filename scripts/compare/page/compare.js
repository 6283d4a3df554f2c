// The page starts a stage or a program, lets this browser load from it, and shows what
// comes back: as pictures (pictures.js), in two languages (words.js).

import {query, wanted} from './hold.js';
import {both, el, pair, translate, untranslated} from './words.js';
import {describe, load} from './lengths.js';
import {fault, inWords, legend, ms, pictures, pieces, ratio, table, talk, totals, who} from './pictures.js';

// The answers of all experiments, as they came, for the report.
const record = {};
let about = {kinds: [], programs: 0};

async function post(path, body) {
  const response = await fetch(path, {method: 'POST', body: JSON.stringify(body ?? {})});
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

// --- Loading from a stage

// trial starts a stage, loads its page in a frame, and returns the outcome.
async function trial(settings, into) {
  const begun = await post('trials', settings);
  if (begun.outcome) return begun.outcome; // a server that could not be started
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
function show(into, outcomes, first, tellAll) {
  const tell = all => {
    const failed = all.filter(o => o.stage && o.trouble).map(o => o.name);
    return failed.length ? `${failed.join(', ')}: no whole picture.` : tellAll(all);
  };
  const draw = () => into.replaceChildren(first(outcomes), el('p', {}, tell(outcomes)),
    ...pictures(outcomes, restart), legend(outcomes, about.kinds), inWords(outcomes));
  const restart = i => {
    const {stage, delay, objects, keepAlive, slow, program} = outcomes[i];
    queue = queue.then(() => trial({stage, delay, objects, keepAlive, slow, program}, into))
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
    return show(into, all, () => '', all => `The slow client sent ${settings.slow === 'half' ? 'half a request' : 'nothing'}. The page came: ` +
      all.map(o => `from ${o.name} ${o.trouble ? 'not whole' : `after ${ms(o.totalTime)}`}`).join(', ') + '.');
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
        ['stage 1 and stage 2 sent the golden bytes, and so the same', r.equal],
        ...r.programs.flatMap(p => [[`${p.name}: asked of the core, without flags`, p.asked],
          ['… the same status', p.status], ['… and the same body', p.body]]),
      ]),
      ...r.programs.filter(p => p.trouble).map(p => fault(`${p.name}: ${p.trouble}`)),
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

// groups lists the differences by their kind. Each kind can be opened.
function groups(differ) {
  return [...Map.groupBy(differ, d => d.kind)].map(([kind, cases]) => el('details', {}, el('summary', {}, `${cases.length}: `, kind),
    ...cases.map(d => el('p', {}, el('code', {}, d.name), ' ', ...again(presets.find(p => p.case === d.name))))));
}

// replies shows what everybody made of a message, side by side.
function replies({replies, command}, m) {
  return [...command ? [el('p', {}, 'The same by hand: ', el('code', {}, command))] : [],
    el('div', {class: 'answers'}, ...replies.map(r => el('div', {}, who(r),
      ...r.trouble ? [fault(r.trouble)] : [],
      ...r.wrong ? [el('details', r.why ? {open: ''} : {}, el('summary', {}, r.verdict),
        el('p', {class: 'why'}, ...pair(r.why, r.whyZh)), el('pre', {}, r.wrong))] : [el('p', {}, r.verdict)],
      ...r.talk.pieces ? [el('p', {}, r.talk.says), el('p', {}, r.talk.states), pieces(r.talk.pieces)] : [])))];
}

// sheet shows the textbook's checks of a program. What went wrong can be sent again.
function sheet(s) {
  if (s.trouble) return [who(s), el('p', {}, 'not graded'), el('p', {class: 'error'}, new Text(s.trouble))];
  const points = r => {
    const earned = (r.status === 'passed' ? r.weight : 0) - (r.deductions ?? []).reduce((sum, d) => sum + d.points, 0);
    return r.weight ? `${earned}/${r.weight}` : earned ? String(earned) : '';
  };
  return [who(s), el('p', {}, `${s.points} of ${s.of} points`),
    ...(s.remarks ?? []).map(r => el('p', {}, new Text(r))),
    table(['check', 'points', 'what was seen, and why'], s.results.map(r => [el('span', {}, r.want), points(r),
      el('div', {}, ...[...r.status === 'passed' || r.deductions?.some(d => d.diagnosis === r.diagnosis) ? [] : [{...r, points: r.weight}], ...r.deductions ?? []].flatMap((m, i, all) => [
        el('p', {class: 'why'}, r.status === 'not run' ? 'not run: ' : m.points ? `−${m.points} ` : '', ...m.whyZh ? pair(m.why, m.whyZh) : [m.why],
          ...m.note ? [' ', el('code', {}, ...pair(m.note, m.note.replace(/\.md.*/, '.zh-CN.md')))] : []),
        ...m.seen && m.seen !== all[i + 1]?.seen ? [el('pre', {}, m.seen)] : []]),
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
      if (e.trouble) server.append(fault(e.trouble));
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
    into.replaceChildren(fault(e.message));
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
