// Every page a person of each kind can open: accessible in light and dark, at the width of a desk and of a telephone, and no
// report of the policy. CALLVAULT_SCREENSHOTS=folder keeps pictures.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { browser, person, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SHOTS = process.env.CALLVAULT_SCREENSHOTS;
const ROLES = { officer: 'privacy officer', second: 'compliance', lead: 'supervisor', keeper: 'disposal officer' };
const DESK = { width: 1280, height: 900 };
const TELEPHONE = { width: 390, height: 844 };
const people = {};
let server; let chromium;

before(async () => {
  server = await serve({ measure: true });
  chromium = await browser();
  people.admin = await person(chromium);
  await enrol(people.admin.page, server.first_administrator);
  for (const [name, role] of Object.entries(ROLES)) {
    const link = await invite(people.admin.page, server.origin, name, `The ${name}`, [role]);
    people[name] = await person(chromium);
    await enrol(people[name].page, link);
  }
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
});
after(async () => { await chromium?.close(); await server?.stop(); });

const wrong = [];

const axe = async (page, where) => {
  // The page's policy forbids added scripts, so axe comes by the debugger.
  await page.evaluate(source);
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`));
  wrong.push(...found.map((v) => `${where}: ${v}`));
};

/** What the page looks like to its reader; `name` is for the picture. */
const look = async (who, path, name = path.replace(/[^a-z]+/g, '-')) => {
  const { page, reports } = people[who];
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(DESK);
    const answer = await page.goto(server.origin + path);
    assert.ok(answer.ok(), `${path} answered ${answer.status()}`);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${who}${name}-${scheme}.png`, fullPage: true });
    await axe(page, `${path} in ${scheme}`);
    assert.equal(await page.locator('h1').count(), 1, path);
    await page.setViewportSize(TELEPHONE);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) wrong.push(`${path} is ${wide} pixels wider than a telephone`);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${who}${name}-${scheme}-phone.png`, fullPage: true });
  }
  await page.setViewportSize(DESK);
  assert.deepEqual(reports.filter((r) => !r.includes('axe')), [], path);
};

const menu = async (who) => {
  const { page } = people[who];
  await page.goto(server.origin);
  return page.getByRole('navigation', { name: 'Main' }).locator('li a').evaluateAll((as) => as.map((a) => a.getAttribute('href')));
};

for (const who of ['admin', ...Object.keys(ROLES)]) {
  test(`pages of the ${who}`, async () => {
    for (const path of [...await menu(who), '/account', '/step-up']) await look(who, path);
    assert.deepEqual(wrong.splice(0), []);
  });
}

test('the menu of a telephone opens and closes without a script', async () => {
  const context = await chromium.newContext({ ignoreHTTPSErrors: true, viewport: TELEPHONE, javaScriptEnabled: false });
  await context.addCookies(await people.officer.context.cookies());
  const page = await context.newPage();
  await page.goto(server.origin);
  const menu = page.locator('nav.side');
  assert.equal(await menu.isVisible(), false);
  await page.getByRole('link', { name: 'Menu', exact: true }).click();
  await menu.getByRole('link', { name: 'Retention' }).waitFor();
  await menu.getByRole('link', { name: 'Close the menu' }).click();
  assert.equal(await menu.isVisible(), false);
  await context.close();
});

/** The first conversation of a kind that the officer may open. */
const first = async (query) => {
  const answer = await people.officer.page.request.get(`${server.origin}/api/v1/conversations?${query}&limit=50`);
  return (await answer.json()).conversations;
};

test('pages of one thing: conversation, hidden value, certificate, person', async () => {
  const { page } = people.officer;
  const [call] = await first('channel=voice&state=recorded').then(async (rows) => (rows.length ? rows : first('channel=voice&state=disposed')));
  const [chat] = await first('channel=chat');
  // Before a purpose is chosen, and after.
  await look('officer', `/conversations/${call.id}`, '-purpose');
  await page.goto(`${server.origin}/conversations/${call.id}`);
  await page.locator('input[name=purpose]').first().check();
  await page.locator('main form button').first().click();
  await page.locator('ol.turns').waitFor();
  await look('officer', `/conversations/${call.id}`, '-call');
  await look('officer', `/conversations/${chat.id}`, '-chat');
  await look('officer', `/conversations/${call.id}/findings/0`, '-finding');
  const subject = await page.goto(`${server.origin}/conversations/${call.id}`)
    .then(() => page.locator('main a[href^="/subjects/"]').first().getAttribute('href'));
  await look('officer', subject, '-subject-purpose');
  const purpose = page.locator('input[name=purpose]');
  await page.goto(server.origin + subject);
  if (await purpose.count()) { await purpose.first().check(); await page.locator('main form button').first().click(); }
  await look('officer', subject, '-subject');
  await look('officer', `/conversations/${call.id}/turns/0`, '-mark');
  assert.deepEqual(wrong.splice(0), []);
});

/** A changing call of the API in somebody's session. */
const send = async (who, path, data) => {
  const answer = await people[who].page.request.post(`${server.origin}/api/v1${path}`, { data, headers: { origin: server.origin } });
  assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
};

test('pages of what waits for a decision', async () => {
  const [chat] = await first('channel=chat');
  const read = await (await people.officer.page.request.get(`${server.origin}/api/v1/conversations/${chat.id}?purpose=dispute`)).json();
  const turn = read.turns.findIndex((x) => /^\w+/.test(x.text));
  const end = /^\w+/.exec(read.turns[turn].text)[0].length;
  const asked = await send('lead', `/conversations/${chat.id}/corrections`, { turn, start_char: 0, end_char: end, entity: 'PERSON', note: 'A name stands there' });
  const wish = { act: 'play_muted', target_kind: 'all', purpose: 'quality', reason: 'Coaching of the new team', minutes: 240 };
  await send('lead', '/grants', wish);
  await send('second', '/decisions', { report: JSON.parse(server.report), cooling_days: 7 });
  await look('officer', `/corrections/${asked.id}`, '-correction');
  await look('officer', '/requests', '-requests-waiting');
  await look('officer', '/', '-overview-waiting');
  await look('lead', '/requests', '-requests-own');
  const [stuck] = (await (await people.officer.page.request.get(`${server.origin}/api/v1/quarantine`)).json()).conversations;
  await look('officer', `/quarantine/${stuck.id}`, '-quarantined');
  await look('officer', `/conversations/${stuck.id}`, '-closed');
  const { subjects } = await (await people.officer.page.request.get(`${server.origin}/api/v1/subjects?limit=50`)).json();
  const [into, from] = subjects.filter((s) => s.role === 'customer');
  await look('officer', `/subjects/${into.id}/merge?with=${from.id}`, '-merge');
  await look('second', '/retention/preview?class=transcript&channel=chat&days=0', '-preview');
  await look('second', '/settings/collection', '-collection');
  await look('lead', '/conversations/new', '-upload');
  assert.deepEqual(wrong.splice(0), []);
});

test('the pages of somebody who is not signed in, and of an address that is none', async () => {
  people.nobody = await person(chromium);
  await look('nobody', '/sign-in');
  await people.officer.page.goto(`${server.origin}/nothing-here`);
  await axe(people.officer.page, 'an address that is none');
  assert.deepEqual(wrong.splice(0), []);
});
