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
export const untranslated = new Set(); // a test looks for it
export function both(text) {
  const [, before, words, behind] = /^(\s*)([^]*?)(\s*)$/.exec(text);
  if (!/[A-Za-z]{2}/.test(words) || /^[\w-]+\.\w+$/.test(words)) return [text];
  const chinese = inChinese(words);
  if (chinese === undefined) untranslated.add(words);
  return chinese === undefined ? [text] : [before, ...pair(words, chinese), behind];
}

export const pair = (english, chinese) => [['en', english], ['zh-CN', chinese]].map(([lang, text]) => {
  const span = document.createElement('span');
  span.lang = lang;
  span.textContent = text;
  return span;
});

// el makes an element: el('p', {class: 'x'}, 'text', otherElement). A text in it becomes
// one in both languages, unless it is code, or somebody else's.
const asItIs = ['code', 'pre', 'q', 'style', 'textarea'];
export function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) e.setAttribute(name, value);
  e.append(...children.flatMap(child => typeof child === 'string' && !asItIs.includes(tag) ? both(child) : [child]));
  return e;
}

// translate makes texts of index.html bilingual. An option cannot have elements in it.
export function translate(element) {
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
