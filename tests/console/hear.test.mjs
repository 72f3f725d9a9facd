// A supervisor finds a call and hears it without hearing the card; a right is lent, used, and taken away while sound flows.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sound, team, until } from './team.mjs';

let t;
before(async () => { t = await team(['officer', 'lead', 'agent']); });
after(async () => { await t?.stop(); });

test('a supervisor finds a call by its number and hears it without hearing the card', async () => {
  const { id, seen } = await t.recordedCall();
  const { page } = t.people.lead;
  await page.goto(`${t.server.origin}/conversations?channel=voice`);
  await page.locator(`main a[href="/conversations/${id}"]`).first().click();
  await page.locator('input[name=purpose][value=quality]').check();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.locator('audio').waitFor();
  // What the player itself receives is what is checked.
  const received = page.waitForResponse((r) => r.url().endsWith(`/conversations/${id}/audio`) && r.status() < 300);
  const seconds = await page.locator('audio').evaluate((a) => new Promise((done) => {
    if (a.readyState > 0) done(a.duration);
    a.addEventListener('loadedmetadata', () => done(a.duration)); a.addEventListener('error', () => done(0)); a.load();
  }));
  assert.ok(seconds > 1, 'the browser cannot play the muted recording');
  assert.match((await received).headers()['content-type'], /audio\/wav/);
  const wav = await (await page.request.get(`${t.server.origin}/conversations/${id}/audio`)).body();
  const heard = sound(wav);
  let checked = 0;
  for (const f of seen.findings.filter((x) => ['CREDIT_CARD', 'CVV'].includes(x.entity))) {
    const silent = Array.from({ length: heard.channels }, (_, c) => heard.silent(c, f.start_ms, f.end_ms));
    assert.ok(silent.some(Boolean), `${f.entity} at ${f.start_ms} ms can be heard`);
    checked += 1;
  }
  assert.ok(checked > 0);
  // The words follow the sound, by the keyboard as well.
  const turn = page.locator('ol.turns button.at').nth(2);
  await turn.focus();
  await page.keyboard.press('Enter');
  await page.locator('ol.turns li[aria-current]').waitFor();
  // A chip leads to the reason, and never to the value.
  await page.locator('a.chip').first().click();
  await page.getByText('Why it is hidden').waitFor();
  t.clean();
});

test('a right for a while is asked for and given on pages, used, and taken away while sound flows', async () => {
  const { id } = await t.recordedCall();
  const [agent, officer] = [t.people.agent.page, t.people.officer.page];
  await t.open('agent', `/conversations/${id}`);
  assert.equal(await agent.locator('audio').count(), 0);
  await agent.getByRole('link', { name: 'a right for a while' }).click();
  await agent.getByLabel('What you need to do').selectOption('play_muted');
  await agent.getByLabel('On', { exact: true }).selectOption('conversation');
  await agent.getByLabel('Id of the conversation or person').fill(id);
  await agent.getByLabel('What for').selectOption('service');
  await agent.getByLabel('For how long').selectOption('30');
  await agent.getByLabel('Why', { exact: true }).fill('The caller complains about this call');
  await agent.getByRole('button', { name: 'Ask for it' }).click();
  await agent.getByText('The request is filed; another person decides.').waitFor();
  await officer.goto(`${t.server.origin}/requests`);
  await officer.getByRole('button', { name: 'Give the right' }).click();
  await officer.getByText('Approved.').waitFor();

  await t.open('agent', `/conversations/${id}`);
  const player = agent.locator('audio');
  await player.evaluate(async (a) => { a.muted = true; a.loop = true; await a.play(); });
  await until(() => player.evaluate((a) => a.currentTime > 0.5));
  // A second stream of the same listen, read as slowly as it is sent: the server stops sending by itself.
  const stream = agent.evaluate(async (path) => {
    const reader = (await fetch(path)).body.getReader();
    for (;;) { const { done } = await reader.read().catch(() => ({ done: 'cut' })); if (done) return { how: done, at: Date.now() }; }
  }, `/conversations/${id}/audio`);
  const began = Date.now();
  const revoke = officer.locator('tr', { hasText: 'The agent' }).getByRole('button', { name: 'Take away' });
  await revoke.click();
  await officer.getByText('Revoked; it holds from this moment.').waitFor();
  const revoked = Date.now();
  assert.equal((await t.api('agent', 'GET', `/conversations/${id}?purpose=service`)).status, 200, 'reading is another right');
  const refused = await agent.request.get(`${t.server.origin}/conversations/${id}/audio`);
  assert.equal(refused.status(), 403);
  assert.ok(Date.now() - revoked < 1000, 'the next request is refused within a second');
  await agent.locator('#player-says').waitFor({ state: 'visible', timeout: 6000 });
  const stopped = Date.now() - began;
  assert.ok(stopped <= 5000, `the player went on for ${stopped} ms`);
  assert.equal(await player.evaluate((a) => a.paused && !a.getAttribute('src')), true);
  const { at } = await stream;
  assert.ok(at - began <= 5000, `the server went on for ${at - began} ms`);
  // A stream that the server cuts is an error to the browser, and that is what was wanted.
  const { reports } = t.people.agent;
  reports.splice(0, reports.length, ...reports.filter((r) => !r.includes('ERR_HTTP2_PROTOCOL_ERROR')));
  t.clean();
});

test('the administrator sees no content, and the agent no list of people', async () => {
  const { id } = await t.recordedCall();
  for (const [who, path] of [['admin', `/conversations/${id}?purpose=audit`], ['admin', '/conversations'], ['agent', '/accounts'], ['agent', '/ledger-entries']]) {
    assert.equal((await t.api(who, 'GET', path)).status, 403, `${who} ${path}`);
  }
});
