// Coming in: the first administrator's link, a passkey, password and codes, and what is refused.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { authenticator, browser, enrolled, person, serve } from './vault.mjs';
import { PASSWORD, enrol, invite, signIn } from './staff.mjs';

let server; let chromium;
before(async () => { server = await serve({ demo: false }); chromium = await browser(); });
after(async () => { await chromium?.close(); await server?.stop(); });

test('the first administrator enrols a passkey by a link that works once, and signs in with it', async () => {
  const { context, page, reports } = await person(chromium);
  await authenticator(page);
  await page.goto(server.first_administrator);
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const cookies = await context.cookies();
  const session = cookies.find((c) => c.name === '__Host-callvault');
  assert.ok(session.secure && session.httpOnly && session.sameSite === 'Strict' && session.path === '/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await enrolled(server.first_administrator, context);
  const again = await page.goto(server.first_administrator);
  assert.equal(again.status(), 403);
  assert.deepEqual(reports, []);
  await page.goto(server.origin);
  const link = await invite(page, server.origin, 'maria', 'Maria Officer', ['privacy officer']);
  const other = await person(chromium);
  const { codes, used } = await enrol(other.page, link);
  assert.equal(codes.length, 10);
  // A code is good once: the one that enrolled does not sign in.
  await other.page.goto(`${server.origin}/account`);
  await other.page.getByRole('button', { name: 'Sign out' }).click();
  await other.page.getByLabel('Login').fill('maria');
  await other.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await other.page.getByLabel('One-time code').fill(used);
  await other.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await other.page.getByRole('alert').first().waitFor();
  await signIn(other.page, server.origin, 'maria', codes);
  assert.deepEqual(other.reports, []);
  // Suspended: the live session is over at once.
  await page.goto(`${server.origin}/people`);
  const row = page.locator('tr', { hasText: 'Maria Officer' });
  await row.getByText('Change').click();
  // Time cannot be turned in a running server: what it wrote down about when a factor was shown is made older.
  execFileSync('python3', ['-c', 'import sqlite3, sys\nd = sqlite3.connect(sys.argv[1], timeout=20)\nd.execute("UPDATE session SET factor_at = ?", ("2026-01-01T00:00:00Z",))\nd.commit()', join(server.data, 'vault.db')]);
  await row.getByRole('button', { name: 'Suspend' }).click();
  const began = Date.now();
  await other.page.goto(`${server.origin}/`);
  await other.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.ok(Date.now() - began < 5000);
  // A form that meets an old factor is kept, and goes on as it was typed after one touch of the passkey.
  await page.getByLabel('Name', { exact: true }).fill('Erin Agent');
  await page.getByLabel('Login', { exact: true }).fill('erin');
  await page.locator('form[action="/people"]').getByLabel('agent', { exact: true }).check();
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByText('What you filled in is kept').waitFor();
  assert.ok(!page.url().includes('erin') && !page.url().includes('Erin'));
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.locator('.note .secret').waitFor();
  assert.match(await page.locator('main').innerText(), /Erin Agent/);
  assert.deepEqual(reports, []);
});

test('without a session there is nothing but the sign-in page', async () => {
  const { page } = await person(chromium);
  for (const path of ['/', '/conversations', '/subjects', '/people', '/ledger', '/settings', '/account', '/retention', '/quarantine']) {
    await page.goto(server.origin + path);
    assert.equal(new URL(page.url()).pathname, '/sign-in', path);
  }
  for (const path of ['/api/v1/session', '/api/v1/conversations', '/metrics']) {
    const answer = await page.request.get(server.origin + path);
    assert.equal(answer.status(), 401, path);
    assert.match(answer.headers()['content-type'], /application\/problem\+json/);
  }
});
