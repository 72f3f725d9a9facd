// What is practised around the conversations: training that closes and opens doors, an audit whose fault is mended, a drive
// that ends with its certificate.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { faults } from './axe.mjs';
import { browser, person, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const ROLES = { officer: 'privacy officer', lead: 'supervisor', keeper: 'disposal officer' };
const COURSES = ['payment-calls', 'health-data', 'pretenders', 'inside-pressure', 'clean-desk', 'report-incident'];
const people = {};
let server; let chromium;

before(async () => {
  if (process.env.CALLVAULT_SCREENSHOTS) mkdirSync(process.env.CALLVAULT_SCREENSHOTS, { recursive: true });
  server = await serve();
  chromium = await browser();
  people.admin = await person(chromium);
  await enrol(people.admin.page, server.first_administrator);
  for (const [name, role] of Object.entries(ROLES)) {
    const link = await invite(people.admin.page, server.origin, name, `The ${name}`, [role]);
    people[name] = await person(chromium);
    await enrol(people[name].page, link);
  }
});
after(async () => { await chromium?.close(); await server?.stop(); });

const api = async (who, method, path, data) => {
  const answer = await people[who].page.request.fetch(`${server.origin}/api/v1${path}`, {
    method, headers: { origin: server.origin, accept: 'application/json' }, ...(data === undefined ? {} : { data }),
  });
  const type = answer.headers()['content-type'] ?? '';
  return { status: answer.status(), body: type.includes('json') ? await answer.json() : null };
};
const good = async (...call) => {
  const { status, body } = await api(...call);
  assert.ok(status >= 200 && status < 300, `${call.slice(0, 3).join(' ')}: ${status} ${JSON.stringify(body)}`);
  return body;
};

/** The right answers of a course, from its file: question → answer. */
const key = (course) => {
  const text = readFileSync(new URL(`../../crates/program/courses/${course}.toml`, import.meta.url), 'utf8');
  const out = new Map();
  for (const block of text.split('[[question]]').slice(1)) {
    const field = (name) => JSON.parse(block.match(new RegExp(`^${name} = (".*")$`, 'm'))[1]);
    out.set(field('id'), field('right'));
  }
  return out;
};

const pass = async (who, course) => {
  const sheet = await good(who, 'POST', `/courses/${course}/attempts`, {});
  const right = key(course);
  const answers = Object.fromEntries(sheet.questions.map((q) => [q.id, q.answers.indexOf(right.get(q.id))]));
  const graded = await good(who, 'PUT', `/attempts/${sheet.attempt}`, { answers });
  assert.ok(graded.passed, JSON.stringify(graded));
};

const account = async (name) => (await good('admin', 'GET', '/accounts')).accounts.find((a) => a.login === name).id;
const call = async () => (await good('officer', 'GET', '/conversations?channel=voice&state=recorded&limit=1')).conversations[0].id;
const hear = (id) => api('lead', 'GET', `/conversations/${id}/audio?purpose=quality`);
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

test('training that ends closes playback and reveal within a second, and the questions open them again', async () => {
  const id = await call();
  const lead = await account('lead');
  const { page, reports } = people.lead;
  assert.equal((await hear(id)).status, 200, 'a new person has time');
  await page.goto(`${server.origin}/courses`);
  assert.deepEqual(await faults(page, 'courses'), []);
  for (const course of COURSES) await pass('lead', course);

  // After an incident everything is asked for again, and excused until a moment that is near.
  for (const course of COURSES) {
    await good('officer', 'POST', '/training-recalls', { account: lead, course, days: 0, reason: 'after the incident of Monday' });
    assert.equal((await hear(id)).status, 403);
    if (course !== 'payment-calls') await pass('lead', course);
  }
  const end = new Date(Date.now() + 4000);
  await good('officer', 'POST', '/training-waivers', { account: lead, course: 'payment-calls', until: end.toISOString(), reason: 'until the break' });
  await page.goto(`${server.origin}/conversations/${id}`);
  const choice = page.locator('input[name=purpose][value=quality]');
  if (await choice.count()) { await choice.check(); await page.locator('main form button').first().click(); }
  await page.locator('audio').waitFor();
  assert.equal((await hear(id)).status, 200);
  await wait(end.getTime() + 900 - Date.now());
  const refused = await hear(id);
  assert.deepEqual([refused.status, refused.body.type.split(':').pop(), refused.body.help], [403, 'needs_course', '/courses/payment-calls']);
  const seen = await good('officer', 'GET', `/conversations/${id}?purpose=dispute`);
  const { token } = seen.findings.find((f) => f.token);
  const wish = { token, purpose: 'quality', reason: 'a complaint about this call' };
  assert.equal((await api('lead', 'POST', '/reveals', wish)).body.type.split(':').pop(), 'needs_course');
  await page.reload();
  assert.equal(await page.locator('audio').count(), 0);
  assert.deepEqual(await faults(page, 'closed'), []);
  await page.getByRole('link', { name: 'Take the course payment-calls' }).click();
  assert.deepEqual(await faults(page, 'course'), []);

  // Wrong answers first: the page says what was not right; then the right ones.
  await page.getByRole('button', { name: 'Begin the questions' }).click();
  const right = key('payment-calls');
  const html = await page.content();
  for (const why of readFileSync(new URL('../../crates/program/courses/payment-calls.toml', import.meta.url), 'utf8').matchAll(/^why = "(.*)"$/gm)) {
    assert.ok(!html.includes(why[1]), 'an explanation stands on the page of the questions');
  }
  assert.deepEqual(await faults(page, 'questions'), []);
  const answer = async (correct) => {
    for (const group of await page.locator('fieldset').all()) {
      const name = await group.locator('input').first().getAttribute('name');
      const wanted = right.get(name.slice(2));
      for (const label of await group.locator('label').all()) {
        if (((await label.innerText()).trim() === wanted) === correct) { await label.locator('input').check(); break; }
      }
    }
    await page.getByRole('button', { name: 'Hand in' }).click();
  };
  await answer(false);
  await page.getByRole('heading', { name: 'Not passed: 0 %' }).waitFor();
  assert.deepEqual(await faults(page, 'failed'), []);
  assert.equal((await hear(id)).status, 403);
  await page.getByRole('link', { name: /try once more/ }).click();
  await page.getByRole('button', { name: 'Begin the questions' }).click();
  await answer(true);
  await page.getByRole('heading', { name: 'Passed with 100 %' }).waitFor();
  const began = Date.now();
  assert.equal((await hear(id)).status, 200);
  assert.ok(Date.now() - began < 1000);
  assert.equal((await api('lead', 'POST', '/reveals', wish)).status, 201);
  assert.deepEqual(reports, []);

  const { page: desk } = people.officer;
  for (const [path, name] of [['/training', 'team'], [`/training/people/${lead}`, 'learner'], ['/training/rules', 'rules']]) {
    await desk.goto(server.origin + path);
    assert.deepEqual(await faults(desk, name), []);
  }
  const csv = await desk.request.get(`${server.origin}/training/evidence.csv`);
  assert.ok((await csv.text()).includes('payment-calls,valid'));
});

test('the audit reports the planted fault, and its mending', async () => {
  const { page, reports } = people.officer;
  const run = async () => {
    await page.goto(`${server.origin}/posture`);
    await page.getByRole('button', { name: 'Run the audit now' }).click();
    await page.getByRole('status').waitFor();
  };
  const state = () => page.locator('details#E07 > summary .badge').innerText();
  await run();
  assert.equal(await state(), 'holds');
  assert.match(await page.locator('details#E01').textContent(), /opened with their own key/);
  chmodSync(server.data, 0o755);
  await run();
  assert.equal(await state(), 'fails');
  assert.match(await page.locator('figcaption').innerText(), /New: E07/);
  await page.goto(`${server.origin}/posture?open=true`);
  assert.deepEqual(await faults(page, 'audit'), []);
  await page.locator('details#E07').getByText('Accept for a while').click();
  const form = page.locator('details#E07 form');
  await form.getByLabel('Until').fill(new Date(Date.now() + 5 * 86400_000).toISOString().slice(0, 10));
  await form.getByLabel('Who answers').fill('security officer');
  await form.getByLabel('Why').fill('the host is moved on Friday');
  await form.getByRole('button', { name: 'Accept' }).click();
  await run();
  assert.equal(await state(), 'accepted for a while');
  chmodSync(server.data, 0o700);
  await run();
  assert.equal(await state(), 'holds');
  assert.match(await page.locator('figcaption').innerText(), /Mended[^.]*E07/);

  // What a scanner found gets an owner and a date.
  await page.getByRole('link', { name: 'Findings of scanners' }).click();
  await page.getByLabel('The report').setInputFiles(new URL('../../crates/program/tests/reports/nmap.xml', import.meta.url).pathname);
  await page.getByRole('button', { name: 'Take it in' }).click();
  assert.match(await page.getByRole('status').innerText(), /3 new/);
  assert.deepEqual(await faults(page, 'findings'), []);
  await page.getByLabel('The report').setInputFiles({ name: 'x.xml', mimeType: 'text/xml', buffer: Buffer.from('<nmaprun><host>') });
  await page.getByRole('button', { name: 'Take it in' }).click();
  await page.getByText('Nothing of it was kept').waitFor();
  assert.deepEqual(reports, []);
});

test('a drive ends with a witness and a certificate that verifies offline', async () => {
  const { page, reports } = people.keeper;
  await page.goto(`${server.origin}/disposal`);
  await page.getByText('Enter a drive or paper').click();
  await page.getByLabel('What it is').selectOption('hdd');
  await page.getByLabel('Serial number or label').fill('WD-EXAMPLE-0142');
  await page.getByLabel('What it may hold').selectOption('backup');
  await page.getByLabel('Encryption').selectOption('no');
  await page.getByLabel('Where it is, and who has it').fill('server room, rack 2');
  await page.getByRole('button', { name: 'Enter', exact: true }).click();
  const address = new URL(page.url()).pathname;
  await page.getByText('Hand it on').click();
  await page.getByLabel('Where, and with whom').fill('locked cabinet of the disposal officer');
  await page.getByRole('button', { name: 'Record it' }).click();
  const record = async (level, how, verified) => {
    await page.getByText('Record its end').click();
    await page.locator('#level').selectOption(level);
    await page.locator('#how').selectOption(how);
    await page.locator('#verified').selectOption(verified);
    await page.locator('#tool').fill('Shredding firm of the example street');
    await page.getByRole('button', { name: 'Record the end' }).click();
  };
  await record('destroy', 'degauss', 'inspected');
  await page.getByText('does not reach this level').waitFor();
  await page.goto(server.origin + address);
  assert.deepEqual(await faults(page, 'medium'), []);
  await record('destroy', 'shred', 'firm_report');
  await page.getByText('another person has to say that it happened').waitFor();
  const id = address.split('/').pop();
  assert.equal((await api('keeper', 'GET', `/media/${id}/certificate`)).status, 400, 'no certificate without a witness');
  assert.equal((await api('keeper', 'POST', `/media/${id}/witness`, { saw: true, note: 'I saw it' })).status, 403);

  const { page: desk } = people.officer;
  await desk.goto(server.origin + address);
  await desk.getByLabel('What you saw').fill('the pieces, at the firm');
  await desk.getByRole('button', { name: /I saw it/ }).click();
  await desk.getByRole('link', { name: 'Certificate' }).click();
  await desk.getByRole('heading', { name: 'Magnetic disk destroyed' }).waitFor();
  assert.deepEqual(await faults(desk, 'certificate'), []);
  const file = join(server.data, '..', 'certificate.json');
  const answer = await desk.request.get(`${server.origin}${address}/certificate.json`);
  writeFileSync(file, await answer.body());
  const check = (path) => execFileSync(process.env.CALLVAULT, ['register', 'check', path], { env: server.env, encoding: 'utf8' });
  assert.match(check(file), /ok, Magnetic disk destroyed/);
  writeFileSync(file, (await answer.text()).replace('WD-EXAMPLE-0142', 'WD-EXAMPLE-0143'));
  assert.throws(() => check(file), /Command failed/);
  await desk.goto(`${server.origin}/disposal`);
  assert.deepEqual(await faults(desk, 'disposal'), []);
  const entries = JSON.stringify(await good('officer', 'GET', '/ledger-entries?kind=medium&limit=20'));
  assert.ok(entries.includes('medium.witnessed') && !entries.includes('WD-EXAMPLE'));
  assert.deepEqual(reports, []);
});

test('after all of this the ledger is whole', async () => {
  const verdict = await good('officer', 'POST', '/ledger-verifications');
  assert.equal(verdict.whole, true, JSON.stringify(verdict));
});
