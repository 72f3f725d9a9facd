// A real server over a vault that `callvault demo` filled, a real browser in front of it.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const BINARY = process.env.CALLVAULT ?? 'target/release/callvault';
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];

/** What the demo's conversations hide: it may stand in no log, no refusal and no metric of any story. Whole years and the like say nothing. */
const PLANTED = JSON.parse(readFileSync(new URL('../../fixtures/demo/truth.json', import.meta.url))).conversations
  .flatMap((c) => c.planted.map((p) => p.value)).filter((v) => v.length >= 7);
export const planted = (text) => PLANTED.filter((value) => text.includes(value));

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
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await gone;
      rmSync(home, { recursive: true, force: true });
      if (PLANTED.length < 50 || planted(log).length) throw new Error(`the log holds ${planted(log).length} of ${PLANTED.length} planted values`);
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
  page.on('response', async (r) => {
    const refused = r.status() >= 400 || r.url().endsWith('/metrics');
    const text = refused ? await r.text().catch(() => '') : '';
    if (planted(text).length) reports.push(`a refusal holds a planted value: ${new URL(r.url()).pathname}`);
  });
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
