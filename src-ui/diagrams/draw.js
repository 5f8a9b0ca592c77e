// Draws diagrams in a worker, one after another. One that takes too long, or brings the worker down, costs only itself.

const PATIENCE = 4000;

let worker = null;
let count = 0;
let last = Promise.resolve();

function ask(source) {
  count += 1;
  const scope = `diagram-${count}-`;
  worker ??= new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return new Promise((done, fail) => {
    const end = (what, answer) => {
      clearTimeout(timer);
      what(answer);
    };
    const drop = (reason) => {
      worker.terminate();
      worker = null;
      end(fail, new Error(reason));
    };
    const timer = setTimeout(() => drop('This diagram takes too long to be drawn.'), PATIENCE);
    worker.onmessage = ({ data }) => (data ? end(done, data) : drop('This diagram cannot be drawn.'));
    worker.onerror = () => drop('This diagram cannot be drawn.');
    worker.postMessage([source, scope]);
  });
}

/** The drawing of a source as JSON. */
export function draw(source) {
  const drawing = last.then(() => ask(source));
  last = drawing.catch(() => {});
  return drawing;
}
