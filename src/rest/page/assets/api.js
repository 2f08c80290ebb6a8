/** Requests to the daemon, with the token that the visitor gave. */

const TOKEN = 'keyferry.token';

/** Behind a proxy the page may stand below a path of its own: everything is asked for from there. */
const API = new URL('api/v1/', document.baseURI);

/** The daemon said no. `status` is 0 where it could not be asked. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Kept for this tab alone, until it is closed. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  /** @param {string} value */
  set: (value) => {
    sessionStorage.setItem(TOKEN, value);
  },
  forget: () => {
    sessionStorage.removeItem(TOKEN);
  },
};

/**
 * @param {string} path below /api/v1/
 * @param {RequestInit} init
 * @returns {Promise<Response>} one that is fine
 * @throws {ApiError}
 */
export const request = async (path, init = {}) => {
  const headers = new Headers(init.headers);
  const given = token.get();
  // No header can hold another one: such a token is a wrong one.
  if (given !== null && !/^[ -~\xa0-\xff]*$/.test(given)) throw new ApiError(401, 'No token has such characters.');
  if (given !== null) headers.set('authorization', `Bearer ${given}`);
  const response = await fetch(new URL(path, API), { ...init, headers, cache: 'no-store' }).catch((error) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The daemon cannot be reached.');
  });
  if (response.ok) return response;
  throw new ApiError(response.status, await refusalOf(response));
};

/** @param {Response} response */
const refusalOf = async (response) => {
  const fallback = `The daemon answered ${response.status} ${response.statusText}`.trim() + '.';
  const body = await response.json().catch(() => undefined);
  return typeof body?.error?.message === 'string' ? body.error.message : fallback;
};

/**
 * @param {'GET' | 'PUT' | 'POST'} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<unknown>} the answer
 * @throws {ApiError}
 */
export const call = async (method, path, body) => {
  const json = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await request(path, { method, ...json });
  return response.json();
};
