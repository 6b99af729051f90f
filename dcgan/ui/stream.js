// Gradio's client takes its stream of answers for open until it has read there that it ends. An event that the server took
// before that, but after its last word, is never answered: so the client has one stream without end, fed from the server's.
{
  const plain = window.fetch, DATA = 'data: ';
  const unanswered = new Set(); // events that the server took
  const answeredEarly = new Set(); // before it was known that it took them
  let listen = () => {};

  window.fetch = async (asked, options) => {
    const { pathname } = new URL(asked.url ?? asked, location.href);
    if (pathname.endsWith('/queue/data')) return streamWithoutEnd(new Request(asked, options));
    const answer = await plain(asked, options);
    if (pathname.endsWith('/queue/join') && answer.ok) note((await answer.clone().json()).event_id);
    return answer;
  };

  function note(event) {
    if (answeredEarly.delete(event)) return;
    unanswered.add(event);
    listen();
  }

  function streamWithoutEnd(request) {
    let isOpen = false;
    const start = (out) => {
      listen = async () => {
        if (isOpen) return;
        isOpen = true;
        try {
          while (unanswered.size) await passOn(await plain(request.clone()), out);
        } catch (error) {
          out.error(error);
        }
        isOpen = false;
      };
      listen();
    };
    return new Response(new ReadableStream({ start }));
  }

  async function passOn(answer, out) {
    if (!answer.ok) throw answer;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader(), encoder = new TextEncoder();
    for (let rest = '', isLast = false; !isLast;) {
      const { done, value } = await reader.read();
      if (done && unanswered.size) throw new Error('The stream of answers broke off.');
      if (done) return;
      const messages = (rest + value).split('\n\n');
      rest = messages.pop();
      for (const message of messages) {
        const { msg, event_id } = message.startsWith(DATA) ? JSON.parse(message.slice(DATA.length)) : {};
        isLast = msg === 'close_stream';
        if (msg === 'unexpected_error') unanswered.clear(); // the client takes it for the answer to all
        if (msg === 'process_completed' && !unanswered.delete(event_id)) answeredEarly.add(event_id);
        if (!isLast) out.enqueue(encoder.encode(message + '\n\n'));
      }
    }
  }
}
