// A real server over a vault that `callvault demo` filled, a real browser in front of it.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const BINARY = process.env.CALLVAULT ?? 'target/release/callvault';
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];

/**
 * Keeps what the search of `tests/console.rs` reads when the stories are over: `log`, `refusals` (every answer that is none), `metrics`;
 * and `planted`, one line each: what must stand in none of them.
 */
export const keep = (kind, text) => { if (process.env.CALLVAULT_SAID) appendFileSync(join(process.env.CALLVAULT_SAID, kind), `${text}\n`); };
export const plant = (...values) => { for (const value of values.flat()) keep('planted', value); };
const refused = (status, headers, body) => { if (status >= 400) keep('refusals', `${status} ${JSON.stringify(headers)}\n${body}`); };

/** Sessions of those who enrolled by a server's first link. */
const first = new Map();
export const enrolled = async (link, context) => {
  const session = (await context.cookies()).find((c) => c.name === '__Host-callvault');
  plant(session.value, link.split('/').pop());
  first.set(link, session.value);
};

/** The counters, as an administrator reads them. */
const metrics = (origin, session) => new Promise((done, fail) => {
  get(`${origin}/metrics`, { rejectUnauthorized: false, headers: { cookie: `__Host-callvault=${session}` } }, (answer) => {
    let text = '';
    answer.on('data', (d) => { text += d; });
    answer.on('end', () => done(answer.statusCode === 200 ? text : ''));
  }).on('error', fail);
});

/** Fills a vault and serves it; ends with `stop()`. `measure`: the demo's own conversations are measured first, signed by the vault. */
export const serve = async ({ demo = true, measure = false } = {}) => {
  const home = mkdtempSync(join(tmpdir(), 'callvault-console-'));
  const data = join(home, 'data');
  const env = { ...process.env, XDG_CONFIG_HOME: join(home, 'config'), CALLVAULT_KEY_FILE: join(home, 'vault.key'), CALLVAULT_LOG: 'debug' };
  const quiet = { ...env, CALLVAULT_LOG: 'warn' };
  execFileSync(BINARY, demo ? ['demo', '--data', data, '--json', ...(process.env.CALLVAULT_DEMO_ARGS ?? '').split(' ').filter(Boolean)] : ['init', '--data', data],
    { env: quiet, stdio: ['ignore', 'ignore', 'inherit'] });
  const truth = new URL('../../fixtures/demo/truth.json', import.meta.url).pathname;
  const report = measure ? spawnSync(BINARY, ['measure', truth, '--json', '--data', data], { env: quiet, encoding: 'utf8' }).stdout : null;
  const child = spawn(BINARY, ['serve', '--data', data, '--listen', '127.0.0.1:0', '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => { log += chunk; });
  const text = await new Promise((ready, fail) => {
    let all = '';
    child.stdout.on('data', (chunk) => { all += chunk; try { ready(JSON.parse(all)); } catch { /* more to come */ } });
    child.on('exit', (code) => fail(new Error(`the server ended with ${code}: ${log}`)));
  });
  return {
    ...text, data, env, report, pid: child.pid, log: () => log,
    cli: (...args) => execFileSync(BINARY, [...args, '--data', data], { env, encoding: 'utf8' }),
    stop: async () => {
      keep('metrics', await metrics(text.origin, first.get(text.first_administrator)));
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await gone;
      keep('log', log);
      rmSync(home, { recursive: true, force: true });
    },
  };
};

/** A browser that trusts the self-signed certificate of this one test. */
export const browser = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/** A person's own browser profile; every policy report and console error is kept in `reports`. */
export const person = async (where, { scheme = 'light' } = {}) => {
  const context = await where.newContext({ ignoreHTTPSErrors: true, colorScheme: scheme, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const reports = [];
  page.on('console', (m) => { if (m.type() === 'error' && !/status of 4\d\d/.test(m.text())) reports.push(m.text()); });
  page.on('pageerror', (e) => reports.push(String(e)));
  context.on('response', async (r) => refused(r.status(), r.headers(), r.status() < 400 ? '' : await r.text().catch(() => '')));
  // Calls beside the page, `get` and `post` too, go through this one.
  const fetch = context.request.fetch.bind(context.request);
  context.request.fetch = async (...call) => {
    const answer = await fetch(...call);
    refused(answer.status(), answer.headers(), answer.status() < 400 ? '' : await answer.text());
    return answer;
  };
  return { context, page, reports };
};

/** RFC 6238 code of a base32 secret at a time in seconds. */
export const totp = (secret, at = Date.now() / 1000) => {
  const bits = [...secret.replace(/[^A-Z2-7]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => Number.parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
};

/** A platform authenticator with user verification, as a laptop has one. */
export const authenticator = async (page) => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return { cdp, authenticatorId };
};
