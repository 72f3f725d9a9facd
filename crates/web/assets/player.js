// Keeps player, waveform and transcript in step, and lets go of the sound when the right to hear it ends.
// Without it the player plays and the transcript reads.
const audio = document.querySelector('audio[data-turns]');
if (audio) {
  const turns = [...document.querySelectorAll('li[data-start]')];
  const wave = document.querySelector('.wave');
  const cursor = wave?.querySelector('.cursor');
  const length = () => audio.duration || Number(wave?.dataset.ms) / 1000 || 0;
  const at = (li) => Number(li.dataset.start) / 1000;
  let current = null;
  const follow = () => {
    const now = audio.currentTime;
    const li = turns.findLast((t) => at(t) <= now + 0.05) ?? null;
    if (li !== current) {
      current?.removeAttribute('aria-current');
      li?.setAttribute('aria-current', 'true');
      current = li;
    }
    if (cursor && length()) {
      const x = String((now / length()) * 1000);
      cursor.setAttribute('x1', x);
      cursor.setAttribute('x2', x);
    }
  };
  audio.addEventListener('timeupdate', follow);
  audio.addEventListener('seeked', follow);

  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    const out = document.querySelector('#player-says');
    out.textContent = 'The recording can no longer be heard: your right to it ended, or the server stopped. Reload the page.';
    out.hidden = false;
    audio.pause();
    audio.removeAttribute('src');
    audio.load();
  };
  audio.addEventListener('error', end);
  // What the browser has already taken in must end with the right, too.
  let heard = false;
  // Sound that plays has begun: a listen that ended before the first question must end it, too.
  audio.addEventListener('playing', () => { heard = true; });
  setInterval(async () => {
    if (audio.paused || over) return;
    const answer = await fetch(audio.src, { method: 'HEAD', credentials: 'same-origin', redirect: 'error' }).catch(() => null);
    if (answer?.ok) heard = true;
    else if (heard || answer?.status !== 409) end(); // 409: the first bytes are still on their way
  }, 2000);

  const seek = (seconds) => { audio.currentTime = seconds; audio.play().catch(() => {}); };
  for (const li of turns) li.querySelector('button')?.addEventListener('click', () => seek(at(li)));
  wave?.addEventListener('click', (event) => {
    const box = wave.getBoundingClientRect();
    if (length()) seek(((event.clientX - box.left) / box.width) * length());
  });
}
