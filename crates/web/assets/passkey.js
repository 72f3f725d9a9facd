// Passkeys (WebAuthn Level 3): asks the browser, sends its answer as JSON, follows where the server says.
// Forms with data-passkey="BEGIN FINISH" carry it; without this script, password and code do the same.
const say = (form, text) => { const out = form.querySelector('[role=alert]'); out.textContent = text; out.hidden = false; };

const post = async (url, body) => {
  const answer = await fetch(url, {
    method: 'POST', credentials: 'same-origin', redirect: 'error',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.detail || data.title);
  return data;
};

const run = async (form) => {
  const [begin, finish] = form.dataset.passkey.split(' ');
  const fields = Object.fromEntries(new FormData(form));
  const options = (await post(begin, fields)).publicKey;
  const made = form.dataset.kind === 'create'
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  if (!made) throw new Error('The browser gave no passkey.');
  const done = await post(finish, { ...fields, credential: made.toJSON() });
  // A form that waited for this factor goes on as it was typed.
  if (done.carry_on) document.querySelector('#carry-on').submit();
  else location.assign(done.location);
};

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const usable = typeof PublicKeyCredential === 'function' && 'parseCreationOptionsFromJSON' in PublicKeyCredential;
  form.hidden = !usable;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    run(form).catch((e) => say(form, e.name === 'NotAllowedError' ? 'No passkey was used. Try again, or sign in with password and code.' : e.message))
      .finally(() => { button.disabled = false; });
  });
}
