// Every page a privacy officer and an administrator can open: accessible in light and dark, no report of the policy.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { browser, person, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SHOTS = process.env.CALLVAULT_SCREENSHOTS;
let server; let chromium; let admin; let officer;

before(async () => {
  server = await serve();
  chromium = await browser();
  admin = await person(chromium);
  await enrol(admin.page, server.first_administrator);
  officer = await person(chromium);
  const link = await invite(admin.page, server.origin, 'maria', 'Maria Officer', ['privacy officer']);
  await enrol(officer.page, link);
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
});
after(async () => { await chromium?.close(); await server?.stop(); });

const wrong = [];

const look = async ({ page, reports }, name, path) => {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    const answer = await page.goto(server.origin + path);
    assert.ok(answer.ok(), `${path} answered ${answer.status()}`);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${scheme}.png`, fullPage: true });
    // The page's policy forbids added scripts, so axe comes by the debugger.
    await page.evaluate(source);
    const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`));
    wrong.push(...found.map((v) => `${path} in ${scheme}: ${v}`));
    assert.equal(await page.locator('h1').count(), 1, path);
  }
  assert.deepEqual(reports.filter((r) => !r.includes('axe')), [], path);
};

test('pages of the administrator', async () => {
  const open = await admin.page.goto(server.origin).then(() => admin.page.locator('header nav a').evaluateAll((as) => as.map((a) => a.getAttribute('href'))));
  for (const path of [...open, '/account', '/step-up']) await look(admin, `admin${path.replaceAll('/', '-')}`, path);
  assert.deepEqual(wrong.splice(0), []);
});

test('pages of the privacy officer', async () => {
  const open = await officer.page.goto(server.origin).then(() => officer.page.locator('header nav a').evaluateAll((as) => as.map((a) => a.getAttribute('href'))));
  for (const path of [...open, '/account']) await look(officer, `officer${path.replaceAll('/', '-')}`, path);
  assert.deepEqual(wrong.splice(0), []);
});
