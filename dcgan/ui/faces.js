// What the page shows of faces by itself: which one is large, which are in the walk, and what was drawn before.
const SHEET = 88, KEPT = 'dcgan-earlier'; // pixels of a picture of what was drawn; its place in sessionStorage

let inWalk = [];

dcgan.walksThrough = (strip, suggested) => {
  inWalk = written(strip) === suggested ? [] : (strip ?? []).map((entry) => String(entry.seed));
  mark();
};

const written = (strip) => (strip ?? []).map((entry) => String(entry.seed)).join(' ');
const AS_IT_IS = { __type__: 'update' }; // what Gradio takes for no change
dcgan.takeSuggestion = (suggestion, suggested, strip) =>
  suggestion && ['', suggested].includes(written(strip)) ? suggestion : [AS_IT_IS, AS_IT_IS];

// An answer tells what to do with the strip as it is by now. The null is so that nothing is done twice
dcgan.changeStrip = (change, suggested, strip) => {
  if (!change) return [AS_IT_IS, AS_IT_IS, null];
  const { add, once, remove, redrawn = [], isChosen, psi = AS_IT_IS } = change;
  const isFace = (face) => (entry) => String(entry.seed) === String(face);
  const faces = (isChosen && written(strip) === suggested ? [] : strip ?? [])
    .filter((entry) => remove === undefined || !isFace(remove)(entry))
    .map((entry) => redrawn.find(isFace(entry.seed)) ?? entry);
  const isNew = add && !(once && faces.some(isFace(add.seed)));
  return [isNew ? [...faces, add] : faces, psi, null];
};

dcgan.takeFavourites = (drawn, kept, strip) => {
  if (!drawn) return [null, AS_IT_IS, AS_IT_IS];
  const links = (entries) => entries.map((entry) => entry.query), { entries, areNew } = drawn;
  const before = Array.isArray(kept) ? kept : []; // whatever this browser has kept
  const all = areNew ? [...new Set([...links(entries), ...before])] : before;
  const shown = [...entries, ...strip].filter((entry) => all.includes(entry.query));
  const inOrder = all.map((link) => shown.find((entry) => entry.query === link)).filter(Boolean);
  return [null, areNew ? all : AS_IT_IS, inOrder];
};

// A walk comes too late where one that was asked for after it is there, or where the strip has other faces by now
let walksAskedFor = 0, shownWalk = 0;
dcgan.askForWalk = () => ++walksAskedFor;
dcgan.takeWalk = (walk, strip) => {
  if (!walk || walk.asked <= shownWalk || walk.faces !== written(strip)) return Array(5).fill(AS_IT_IS);
  shownWalk = walk.asked;
  const { file, isFilm, alt, facts, link } = walk;
  const place = (visible) => ({ ...AS_IT_IS, value: visible ? file : null, visible });
  const download = { ...AS_IT_IS, value: file, interactive: true };
  return [{ ...place(!isFilm), alt_text: alt }, place(isFilm), facts, download, link];
};

dcgan.shownFace = () => document.querySelector('#face-panel [data-shown-face]')?.dataset.shownFace;

// Only what differs is written, as each change comes back here
function mark() {
  const shown = dcgan.shownFace();
  for (const face of document.querySelectorAll('#gallery .face')) {
    const add = face.parentElement.querySelector('.add'), place = inWalk.indexOf(face.dataset.face);
    if (shown !== undefined) face.setAttribute('aria-current', face.dataset.face === shown);
    add.setAttribute('aria-pressed', place >= 0);
    const text = place < 0 ? '+' : String(place + 1);
    if (add.textContent !== text) add.textContent = text;
  }
  for (const counter of document.querySelectorAll('#use-as-keyframe, [role=tab][data-tab-id=walk]'))
    inWalk.length ? counter.setAttribute('data-count', inWalk.length) : counter.removeAttribute('data-count');
  rememberFace(shown);
}

// Back shows the face again that was large; only while the gallery is what the address stands for
const galleryQuery = () => document.querySelector('#gallery .faces')?.dataset.query;
function rememberFace(face) {
  const query = galleryQuery(), state = history.state ?? {};
  if (!query || face === undefined || query !== (state.query ?? query)) return;
  if (face !== state.face || !state.query) history.replaceState({ ...state, query, face }, '');
}

// What was drawn before: the browser's history, each with a picture of its faces
const drawnBefore = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]'); // by its place in the history

function pictureOf(images) {
  const canvas = Object.assign(document.createElement('canvas'), { width: SHEET, height: SHEET });
  const across = images.length < 4 ? 1 : 2, side = SHEET / across;
  images.slice(0, across * across).forEach((image, i) =>
    canvas.getContext('2d').drawImage(image, (i % across) * side, Math.floor(i / across) * side, side, side));
  return canvas.toDataURL('image/webp', 0.8);
}

dcgan.keepSight = () => {
  const isWalk = new URLSearchParams(location.search).get('kind') === 'walk';
  if (!isWalk && galleryQuery() !== (history.state?.query ?? galleryQuery())) return; // what comes has no address yet
  const images = [...document.querySelectorAll(isWalk ? '#keyframes img' : '#gallery img')];
  if (!images.length || !images.every((image) => image.naturalWidth)) return;
  const place = history.state?.before ?? 0;
  if (drawnBefore[place]?.address === location.search) return showDrawnBefore();
  drawnBefore.length = place;
  drawnBefore[place] = { address: location.search, source: pictureOf(images) };
  sessionStorage.setItem(KEPT, JSON.stringify(drawnBefore));
  showDrawnBefore();
};

function showDrawnBefore() {
  const list = document.querySelector('#earlier .earlier'), place = history.state?.before ?? 0;
  if (!list) return;
  const sights = drawnBefore.map((sight, i) => sight && { ...sight, i }).filter(Boolean);
  list.replaceChildren(...(sights.length < 2 ? [] : sights).map(({ source, i }, nth) => {
    const name = `${list.dataset.label}: ${nth + 1}`;
    const button = Object.assign(document.createElement('button'), { type: 'button', title: name });
    button.append(Object.assign(document.createElement('img'), { src: source, alt: name }));
    button.setAttribute('aria-current', i === place);
    button.onclick = () => history.go(i - (history.state?.before ?? 0));
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
  list.querySelector('[aria-current=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

// Pictures that came after the address was set, and those of the address that the page was opened with
document.addEventListener('load', ({ target }) => target.closest?.('#gallery') && dcgan.keepSight(), true);
addEventListener('popstate', showDrawnBefore);
document.addEventListener('load', ({ target }) => // of first_faces.py
  target.closest?.('#gallery') && document.getElementById('first-faces')?.remove(), true);

// A face is dragged from the gallery to the walk's tab
const walkTab = (event) => event.target.closest?.('[role=tab][data-tab-id=walk]');
document.addEventListener('dragstart', () => document.documentElement.classList.toggle('drags-face', !!dcgan.dragged));
document.addEventListener('dragend', () => {
  dcgan.dragged = null;
  document.documentElement.classList.remove('drags-face');
});
document.addEventListener('dragover', (event) => dcgan.dragged && walkTab(event) && event.preventDefault());
document.addEventListener('drop', (event) => {
  if (!dcgan.dragged || !walkTab(event)) return;
  event.preventDefault();
  if (dcgan.dragged.getAttribute('aria-pressed') === 'false') dcgan.dragged.click();
});

new MutationObserver(mark).observe(document.documentElement, { subtree: true, childList: true });
