/**
 * Says of parameters, of a query or a form, whether one of them has this name: loose on purpose.
 *
 * `;` separates parameters for some servers. The name is found in any case, however its characters are
 * escaped, escapes of escapes among them, with white space round it.
 *
 * INVARIANT: costs one walk through the text, whatever stands in it. Strangers choose it: a form of 1 MB whose
 * every parameter was decoded, and no name, held the event loop for three seconds.
 *
 * @param name - ASCII, in lower case
 */
export function parameterFinder(name: string): (parameters: string) => boolean {
  const named = new RegExp(Array.from(name, escapable).join(''), 'gi')
  return (parameters) => {
    // where the parameter begins, or the separator before it
    let from = 0
    named.lastIndex = 0
    for (let found = named.exec(parameters); found !== null; found = named.exec(parameters)) {
      const behind = named.lastIndex
      const before = parameters.slice(from, found.index)
      const start = Math.max(before.lastIndexOf('&'), before.lastIndexOf(';')) + 1
      const end = indexOfAny(endOfName, parameters, behind)
      if (isPadding(before.slice(start)) && isPadding(parameters.slice(behind, end))) return true
      // a name that stands twice in one parameter is not the whole of it
      from = indexOfAny(separator, parameters, behind)
      named.lastIndex = from
    }
    return false
  }
}

const separator = /[&;]/g
const endOfName = /[&;=]/g
// controls, spaces, pluses and whatever is more than ASCII, as itself or escaped
const padding = /[\u0000-\u0020+\u007f-\uffff]|%(?:25){0,8}(?:[0189a-f][0-9a-f]|20|2b|7f)/gi

// bounded, so that no run of escaped percent signs is walked through again from each of them
function escapable(character: string): string {
  const codes = [character, character.toUpperCase()].map((each) => each.charCodeAt(0).toString(16))
  return `(?:${character}|%(?:25){0,8}(?:${[...new Set(codes)].join('|')}))`
}

function isPadding(text: string): boolean {
  return text === '' || text.replace(padding, '') === ''
}

function indexOfAny(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.exec(text)?.index ?? text.length
}
