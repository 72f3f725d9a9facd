// People of a test installation: the first administrator comes by the printed link, the others by invitations.
import { enrolled, plant, totp } from './vault.mjs';

export const PASSWORD = 'a long sentence about nothing in particular 7';
let clock = 0;

/** A code that was not used before: each sign-in of a test takes the next step of the window. */
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
const fresh = async (secret) => {
  // A code works once; two sign-ins of one person within 30 seconds need two steps.
  const step = Math.floor(Date.now() / 30000);
  if (clock === step) await wait((step + 1) * 30000 - Date.now() + 200);
  clock = Math.floor(Date.now() / 30000);
  return totp(secret);
};

/** Enrols somebody with password and codes on the page of their link; returns what signs them in again, and the code that is used up. */
export const enrol = async (page, link) => {
  await page.goto(link);
  const secret = await page.locator('#totp-secret').innerText();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  const used = totp(secret);
  await page.getByLabel('Six digits').fill(used);
  await page.getByRole('button', { name: 'Set password and codes' }).click();
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  const codes = await page.locator('ol.codes li').allInnerTexts();
  plant(PASSWORD, secret, codes);
  await enrolled(link, page.context());
  return { secret, codes, used };
};

/** Signs in with a recovery code, which needs no waiting for the next step. */
export const signIn = async (page, origin, login, codes) => {
  await page.goto(`${origin}/sign-in`);
  await page.getByLabel('Login').fill(login);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('One-time code').fill(codes.pop());
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
};

/** The administrator invites somebody on the people page; returns the link. */
export const invite = async (page, origin, login, name, roles) => {
  await page.goto(`${origin}/people`);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Login', { exact: true }).fill(login);
  const form = page.locator('form[action="/people"]');
  for (const role of roles) await form.getByLabel(role, { exact: true }).check();
  await form.getByRole('button', { name: 'Invite' }).click();
  return page.locator('.note .secret').innerText();
};

export { fresh };
