// What the page does by itself in the browser: links, and files dropped anywhere.
const MAX_QUERY_CHARACTERS = 8000; // as in gallery/spec.py

const wantsCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

window.dcgan = {
  link(query) {
    const kept = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith('__'));
    const settings = new URLSearchParams(kept).toString();
    return location.origin + location.pathname + '?' + [query, settings].filter(Boolean).join('&');
  },

  // On a phone, where columns stand one below the other
  reveal(...ids) {
    if (innerWidth > 640) return;
    const there = ids.map((id) => document.getElementById(id)).filter((place) => place?.checkVisibility());
    there.at(-1)?.scrollIntoView({ behavior: wantsCalm() ? 'instant' : 'smooth' });
  },

  remember(query) {
    if (!query || query.length > MAX_QUERY_CHARACTERS || dcgan.link(query) === location.href) return;
    history.pushState({ before: before() + 1, query, face: dcgan.shownFace() }, '', dcgan.link(query));
    arrived();
    dcgan.keepSight();
  },

  // Where the browser's Back has led, and the face that was large there
  wentTo() {
    const face = history.state?.face;
    return location.search.slice(1) + (face ? '&' + new URLSearchParams({ shown: face }) : '');
  },

  async copy(query, button) {
    if (query?.length > MAX_QUERY_CHARACTERS) return;
    const link = (location.origin + location.pathname) + (query ? '?' + query : '');
    if (!(await dcgan.toClipboard(link))) return window.prompt('', link);
    dcgan.tick(button);
  },

  tick(button) {
    const element = document.querySelector(button);
    element.classList.add('done');
    setTimeout(() => element.classList.remove('done'), 2000);
  },

  // A frame without the permission, or a page that isn't served securely, has only the old way
  async toClipboard(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = Object.assign(document.createElement('textarea'), { value: text });
      document.body.append(area);
      area.select();
      const copied = document.execCommand('copy');
      area.remove();
      return copied;
    }
  },
};

// Back, the browser's or the page's own: how much there is to go back to, and the address that is shown
const before = () => history.state?.before ?? 0;
let shown = location.search;

function arrived() {
  shown = location.search;
  document.documentElement.classList.toggle('can-go-back', before() > 0);
}

arrived();
addEventListener('popstate', () => {
  const isElsewhere = location.search !== shown; // else it went to a place within the page
  arrived();
  if (isElsewhere) document.getElementById('went-back')?.click();
});

const carriesFiles = (event) => event.dataTransfer?.types?.includes('Files');

document.addEventListener('dragover', (event) => {
  if (carriesFiles(event)) event.preventDefault();
});

document.addEventListener('drop', (event) => {
  const input = document.querySelector('#header-buttons input[type=file]');
  if (!carriesFiles(event) || !input || event.target.closest('#find-picture')) return;
  event.preventDefault();
  event.stopPropagation();
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}, true);

// A picture that is pasted while the Studio is seen
document.addEventListener('paste', (event) => {
  const place = document.getElementById('find-picture'), input = place?.querySelector('input[type=file]');
  if (!input || !place.checkVisibility() || !event.clipboardData?.files.length) return;
  event.preventDefault();
  input.files = event.clipboardData.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
});

// A film has no sound and plays within the page; it starts by itself only for those who like things to move
const STARTS_BY_ITSELF_MS = 800; // at most so long after it was loaded; whoever presses play needs longer
const loadedAt = new WeakMap();

function tame(film) {
  film.muted = film.playsInline = true;
  film.setAttribute('muted', '');
  if (wantsCalm()) film.autoplay = false;
}

const onFilm = (moment, act) =>
  document.addEventListener(moment, ({ target }) => target.matches('#walk-video video') && act(target), true);

onFilm('loadeddata', (film) => {
  loadedAt.set(film, performance.now());
  tame(film); // again, since by now Gradio has set what it sets
});
onFilm('volumechange', tame);
onFilm('play', (film) => {
  tame(film);
  const age = performance.now() - (loadedAt.get(film) ?? performance.now());
  if (wantsCalm() && age < STARTS_BY_ITSELF_MS) film.pause();
});

// Gradio leaves films without a name; that of their file tells the seeds
new MutationObserver(() => {
  document.querySelectorAll('#walk-video video').forEach(tame);
  for (const film of document.querySelectorAll('#walk-video video')) {
    const name = decodeURIComponent(film.src.split('/').pop()).replace(/\.\w+$/, '');
    if (film.ariaLabel !== name) film.ariaLabel = name;
  }
}).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ['src'] });
