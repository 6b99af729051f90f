// Pictures of the page, taken along: to the clipboard, to the phone's own sheet, or as a file.
const PICTURE = new File([''], 'face.png', { type: 'image/png' });
const canDo = {
  'can-copy-picture': window.ClipboardItem && navigator.clipboard?.write,
  'can-share': navigator.canShare?.({ files: [PICTURE] }),
};
for (const [name, can] of Object.entries(canDo)) document.documentElement.classList.toggle(name, !!can);

const contentOf = async ({ url }) => (await fetch(url)).blob();

// Safari wants a promise here: when the file is there, it has forgotten that a button was pressed
dcgan.copyPicture = async (file, button) => {
  if (!file) return;
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': contentOf(file) })]);
  dcgan.tick(button);
};

dcgan.share = async (file, query) => {
  if (!file) return;
  const content = await contentOf(file), name = decodeURIComponent(file.url.split('/').pop());
  const files = [new File([content], name, { type: content.type })];
  try {
    await navigator.share({ files, title: document.title, url: location.origin + location.pathname + '?' + query });
  } catch (error) {
    if (error.name !== 'AbortError') throw error; // who closes the sheet has changed their mind
  }
};

// Downloads a file that Gradio serves, and forgets it
dcgan.save = (file) => {
  if (file) Object.assign(document.createElement('a'), { href: file.url, download: file.orig_name }).click();
  return null;
};
