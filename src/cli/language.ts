/** The languages operators are spoken to in. */
export type Language = 'en' | 'fr'

/** The environment variables that say which one, as POSIX orders them. */
export type LocaleVariables = Readonly<Record<string, string | undefined>>

/**
 * French where the locale says so, English otherwise.
 *
 * The first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is not empty decides.
 */
export function languageOf(variables: LocaleVariables): Language {
  const set = [variables['LC_ALL'], variables['LC_MESSAGES'], variables['LANG']]
  const locale = set.find((value) => value !== undefined && value !== '') ?? ''
  return /^fr(?:[_.@-]|$)/i.test(locale) ? 'fr' : 'en'
}

/**
 * One table of messages in each language, and the one to speak.
 *
 * Both tables have one shape, so a sentence that lacks its translation does not compile:
 * `const words = inLanguage(language, { en: { gone: (id: string) => … }, fr: { gone: … } })`.
 */
export function inLanguage<Table>(language: Language, tables: Readonly<Record<Language, Table>>): Table {
  return tables[language]
}

/** A noun, singular and plural. */
export type Noun = readonly [one: string, many: string]

/** `1 partner`, `12 500 partenaires`: a number with its noun; French counts 0 as singular. */
export function counted(language: Language, count: number, [one, many]: Noun): string {
  const isOne = language === 'fr' ? count < 2 : count === 1
  return `${groupedDigits(language, count)} ${isOne ? one : many}`
}

function groupedDigits(language: Language, count: number): string {
  const separator = language === 'fr' ? '\u202f' : ','
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, separator)
}
