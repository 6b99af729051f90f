// Good manners: keys, calm, sliders that answer, and a word of where a file will land.
const press = (id) => document.getElementById(id)?.click();

// Arrow keys go from tab to tab
document.addEventListener('keydown', (event) => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  if (!steps[event.key] || event.target.getAttribute?.('role') !== 'tab') return;
  const tabs = [...event.target.closest('[role=tablist]').querySelectorAll('[role=tab]')];
  const place = Math.max(0, Math.min(tabs.length - 1, tabs.indexOf(event.target) + steps[event.key]));
  event.preventDefault();
  tabs[place].focus();
  tabs[place].click();
});

// A slider that is let go of draws the same again as it now says; a number beside it does at Enter
const ANSWER_MS = 300;
const answers = { count: 'draw-again', 'best-of': 'draw-again', frames: 'make-walk', fps: 'make-walk' };
let answering;
function answer({ target, type, key }) {
  const slider = target.closest?.(Object.keys(answers).map((id) => '#' + id).join());
  if (!slider || (type === 'keydown' && key !== 'Enter') || (type === 'change' && target.type !== 'range')) return;
  clearTimeout(answering);
  answering = setTimeout(() => press(answers[slider.id]), ANSWER_MS);
}
for (const moment of ['change', 'keydown']) document.addEventListener(moment, answer);

// A GIF begins as a still picture for who wants it calm, and plays when it is asked to
function still(image) {
  const place = document.querySelector('#walk-still button'), canvas = place?.querySelector('canvas');
  if (!place || !wantsCalm()) return;
  Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
  canvas.getContext('2d').drawImage(image, 0, 0);
  play(false);
}
function play(plays) {
  document.getElementById('walk-result').classList.toggle('still', !plays);
  document.querySelector('#walk-still .sign').textContent = plays ? '❚❚' : '▶';
  document.querySelector('#walk-still button').setAttribute('aria-pressed', plays);
}
document.addEventListener('load', ({ target }) => target.matches?.('#walk img') && still(target), true);
document.addEventListener('click', ({ target }) => {
  const button = target.closest('#walk-still button');
  if (button) play(button.getAttribute('aria-pressed') !== 'true');
});

// Where a file lands that is dragged over the page
const bringsFile = (brings) => document.documentElement.classList.toggle('brings-file', brings);
document.addEventListener('dragover', (event) => carriesFiles(event) && bringsFile(true));
document.addEventListener('dragleave', (event) => event.relatedTarget || bringsFile(false));
for (const moment of ['drop', 'dragend']) document.addEventListener(moment, () => bringsFile(false), true);

// What Gradio leaves in a template: the name of a text, in place of the text
const language = TEXTS.chinese.includes(navigator.language) ? TEXTS.chinese[0] : TEXTS.otherwise;
const NAMING = ['aria-label', 'data-label', 'title'], LEFT = '__i18n__';
function translate(element) {
  for (const name of NAMING) {
    const text = element.getAttribute(name);
    if (text?.includes(LEFT)) element.setAttribute(name, text.replace(/__i18n__(\{.*?\})/g, (_, told) => TEXTS.words[language][JSON.parse(told).key]));
  }
}

// What Gradio says in English to everybody
function sayInOurs() {
  for (const text of document.querySelectorAll('[data-testid=toast-text]')) {
    const key = TEXTS.ofGradio[text.textContent.trim()];
    if (key) text.textContent = TEXTS.words[language][key];
  }
  for (const { childNodes } of document.querySelectorAll('.meta-text, .meta-text-center'))
    for (const text of childNodes) sayWhatIsAwaited(text);
  for (const button of document.querySelectorAll('.toast-close')) button.ariaLabel = TEXTS.words[language].close;
}

function sayWhatIsAwaited(text) {
  const word = TEXTS.whileWaiting.find((word) => text.data?.startsWith(word));
  if (word) text.data = text.data.replace(word, TEXTS.words[language][word]);
}

// What Gradio names twice, names though it has no role, or makes a button though buttons are in it
new MutationObserver(() => {
  sayInOurs();
  document.querySelectorAll('.toast-header[role]').forEach((header) => {
    header.removeAttribute('role');
    header.removeAttribute('tabindex');
  });
  document.querySelectorAll(NAMING.map((name) => `[${name}*=${LEFT}]`).join()).forEach(translate);
  document.querySelectorAll('footer img[alt]:not([alt=""])').forEach((image) => { image.alt = ''; });
  document.querySelectorAll('div.empty[aria-label]:not([role])').forEach((place) => { place.role = 'img'; });
}).observe(document.documentElement, { subtree: true, childList: true, characterData: true });
