import { request } from 'node:http'

/** What an admin listener answered. */
export interface AdminReply {
  readonly status: number
  readonly value: unknown
}

/**
 * Asks an admin listener.
 *
 * @param url - the whole of it, `http://127.0.0.1:9464/status`
 * @throws Error in one line where nobody answers, or not with JSON
 */
export function askAdmin(method: 'GET' | 'POST', url: string): Promise<AdminReply> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: { accept: 'application/json' } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, value: JSON.parse(text) })
        } catch {
          reject(new Error(`${url}: expected JSON, found something else`))
        }
      })
    })
    asked.on('error', (error) => {
      reject(new Error(`${url}: no answer (${error.message})`))
    })
    asked.end()
  })
}
