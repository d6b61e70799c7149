import type { Repair } from '../sheet/establishment-number.js'
import type { FindingFacts, RowOf } from './desk-finding.js'
import { frenchMaterial, frenchNumber } from './french-problems.js'
import { counted, type Language } from './language.js'

type Told = Exclude<FindingFacts, { code: 'refused' }>

/** One sentence for each code, in each language. */
type FindingTexts = { readonly [Code in Told['code']]: (facts: Extract<Told, { code: Code }>) => string }

const mostRows = 5

const en: FindingTexts = {
  'private-key-present': ({ message }) =>
    `${message}. Delete this file and the mail it came with, and ask for the certificate to be revoked and made anew: its key is known to others now`,
  'material-refused': ({ message, line }) => (line === undefined ? message : `line ${line}: ${message}`),
  'authorities-left-out': ({ names }) => `authorities that came along are left out: ${names.join(', ')}`,
  'certificate-of-a-person': ({ sign }) =>
    `the certificate of a person (${sign}); a partner connects with one of an organisation`,
  'certificate-expiring': ({ on, days }) => `ends in ${counted('en', days, ['day', 'days'])}, on ${on}`,
  'certificate-claimed': ({ by, partner, place }) =>
    `${englishBy(by)} is listed already, for partner ${partner} (${place})`,
  'certificate-listed': ({ by, place }) => `${englishBy(by)} is listed for this partner already (${place})`,
  'certificate-read': ({ written, until }) => `${written}, valid until ${until}`,
  'key-alone': ({ pin }) =>
    `${pin}: a public key alone; its holder, authority and dates are not known here, and what is matched by subject needs the certificate or --subject`,
  'not-judged': () => 'without --config it is not judged against the authorities of an environment',
  'list-refused': ({ message }) => message,
  'column-missing': () => 'no column holds FINESS or IdNatStruct numbers',
  'numbers-scientific': ({ column, rows }) =>
    `column ${column}: a spreadsheet (Excel) turned ${counted('en', rows.length, ['number', 'numbers'])} into scientific notation, and digits are lost: ${listed('en', rows)}; take the list from its source anew, with the column as text`,
  'column-ambiguous': ({ candidates }) =>
    `several columns may be meant: ${candidates.join(', ')}; name one with --column`,
  'column-unknown': ({ wanted, candidates }) =>
    `no column \`${wanted}\` with numbers${candidates.length === 0 ? '' : `; found ${candidates.join(', ')}`}`,
  'column-found': ({ column, heading, count }) =>
    `column ${column}${heading === undefined ? '' : ` (${heading})`}: ${counted('en', count, ['number', 'numbers'])}`,
  'windows-1252': () => 'read as Windows-1252',
  'legal-entity-column': ({ heading }) =>
    `the heading \`${heading}\` tells of legal entities (EJ); writes name geographical ones (EG)`,
  'legal-entity-rows': ({ rows }) =>
    `legal entities (EJ) among geographical ones; writes name the latter: ${listed('en', rows)}`,
  'numbers-repaired': ({ repairs }) =>
    `repaired: ${listed(
      'en',
      repairs.map(({ row, found, number, how }) => ({
        row,
        number: `${found} → ${number} (${how.map((each) => repaired.en[each]).join(', ')})`,
      })),
    )}`,
  'number-malformed': ({ row, problem }) => `row ${row}: ${problem.message}`,
  'numbers-absent': ({ rows }) => `no number in ${some('en', rows.map(String), ['row', 'rows'])}`,
  'rows-passed-over': ({ rows }) => `passed over, no number: ${listed('en', rows)}`,
  'numbers-repeated': ({ rows }) => `named more than once: ${listed('en', rows)}`,
  'check-digits-wrong': ({ rows }) =>
    `the check digit is wrong, the number perhaps mistyped: ${listed('en', rows)}`,
  'numbers-kept': ({ numbers }) =>
    `${counted('en', numbers.length, ['number', 'numbers'])} of the partner not in the list, kept (--replace removes): ${shortened('en', numbers)}`,
  'file-left': ({ file }) => `${file} is not named any more, and left in its place`,
  'last-certificate': () => 'no certificate would be left; remove the partner instead',
  'renewal-needs-swap': () =>
    'the entry demands this name and the old key together, and a name stands in the list once: renew without --until when the change is made, or list it by the name alone',
  'renewal-other-name': ({ old }) =>
    `the new certificate bears another name than the one it replaces, ${old}; a renewal keeps the name: is it this partner's?`,
  'other-environment-changes': ({ environment, partners }) =>
    `the same file serves environment ${environment}, where this changes ${partners.join(', ')}, too; give each environment a file of its own`,
  'rows-to-remove': ({ rows }) =>
    `another cell of the row tells of a removal, and import adds: ${listed('en', rows)}; leave these rows out, and take the numbers out with remove`,
  'rows-hidden': ({ rows }) =>
    `hidden in the workbook, by a filter or by hand: ${listed('en', rows)}; show these rows, or delete them`,
  'sheet-hidden': () => 'the workbook hides this sheet; name the one that is meant with --sheet',
  'name-typography': ({ characters, values }) =>
    `holds ${characters.join(', ')} in ${quotedAll(values)}, as mails and word processors put in place of plain spaces, hyphens and quotes; a name is compared character by character: write it as the certificate has it`,
}

const fr: FindingTexts = {
  'private-key-present': () =>
    'ce fichier contient une clé privée, qui ne doit jamais quitter son détenteur. Supprimez-le avec le message qui l’apportait, et faites révoquer puis refaire le certificat : sa clé est désormais connue d’autres',
  'material-refused': frenchMaterial,
  'authorities-left-out': ({ names }) => `autorités jointes, laissées de côté : ${names.join(', ')}`,
  'certificate-of-a-person': ({ sign }) =>
    `certificat d’une personne (${sign}) ; un partenaire se connecte avec celui d’une organisation`,
  'certificate-expiring': ({ on, days }) =>
    `prend fin dans ${counted('fr', days, ['jour', 'jours'])}, le ${on}`,
  'certificate-claimed': ({ by, partner, place }) =>
    `${frenchBy(by)} est déjà inscrit pour le partenaire ${partner} (${place})`,
  'certificate-listed': ({ by, place }) => `${frenchBy(by)} est déjà inscrit pour ce partenaire (${place})`,
  'certificate-read': ({ written, until }) => `${written}, valable jusqu’au ${until}`,
  'key-alone': ({ pin }) =>
    `${pin} : une clé publique seule ; son détenteur, son autorité et ses dates sont inconnus ici, et ce qui est reconnu par le sujet demande le certificat ou --subject`,
  'not-judged': () => 'sans --config, il n’est pas confronté aux autorités d’un environnement',
  'list-refused': ({ message }) => message,
  'column-missing': () => 'aucune colonne ne contient de numéros FINESS ou IdNatStruct',
  'numbers-scientific': ({ column, rows }) =>
    `colonne ${column} : un tableur (Excel) a mis ${counted('fr', rows.length, ['numéro', 'numéros'])} en notation scientifique, et des chiffres sont perdus : ${listed('fr', rows)} ; reprenez la liste à sa source, la colonne au format texte`,
  'column-ambiguous': ({ candidates }) =>
    `plusieurs colonnes sont possibles : ${candidates.join(', ')} ; désignez-en une par --column`,
  'column-unknown': ({ wanted, candidates }) =>
    `aucune colonne \`${wanted}\` avec des numéros${candidates.length === 0 ? '' : ` ; trouvé : ${candidates.join(', ')}`}`,
  'column-found': ({ column, heading, count }) =>
    `colonne ${column}${heading === undefined ? '' : ` (${heading})`} : ${counted('fr', count, ['numéro', 'numéros'])}`,
  'windows-1252': () => 'lu en Windows-1252',
  'legal-entity-column': ({ heading }) =>
    `l’en-tête \`${heading}\` parle d’entités juridiques (EJ) ; les écritures désignent les géographiques (EG)`,
  'legal-entity-rows': ({ rows }) =>
    `entités juridiques (EJ) parmi les géographiques, que les écritures désignent : ${listed('fr', rows)}`,
  'numbers-repaired': ({ repairs }) =>
    `réparé : ${listed(
      'fr',
      repairs.map(({ row, found, number, how }) => ({
        row,
        number: `${found} → ${number} (${how.map((each) => repaired.fr[each]).join(', ')})`,
      })),
    )}`,
  'number-malformed': ({ row, problem }) => `ligne ${row} : ${frenchNumber(problem)}`,
  'numbers-absent': ({ rows }) => `aucun numéro : ${some('fr', rows.map(String), ['ligne', 'lignes'])}`,
  'rows-passed-over': ({ rows }) => `lignes sans numéro, passées : ${listed('fr', rows)}`,
  'numbers-repeated': ({ rows }) => `cité plus d’une fois : ${listed('fr', rows)}`,
  'check-digits-wrong': ({ rows }) =>
    `clé de contrôle fausse, numéro peut-être mal saisi : ${listed('fr', rows)}`,
  'numbers-kept': ({ numbers }) =>
    `${counted('fr', numbers.length, ['numéro', 'numéros'])} du partenaire hors de la liste, gardés (--replace les retire) : ${shortened('fr', numbers)}`,
  'file-left': ({ file }) => `${file} n’est plus désigné, et reste en place`,
  'last-certificate': () => 'il ne resterait aucun certificat ; retirez plutôt le partenaire',
  'renewal-needs-swap': () =>
    'l’entrée exige ce nom et l’ancienne clé ensemble, et un nom ne figure qu’une fois dans la liste : renouvelez sans --until au moment du changement, ou inscrivez le nom seul',
  'renewal-other-name': ({ old }) =>
    `le nouveau certificat porte un autre nom que celui qu’il remplace, ${old} ; un renouvellement garde le nom : est-il bien de ce partenaire ?`,
  'other-environment-changes': ({ environment, partners }) =>
    `le même fichier sert l’environnement ${environment}, où cela change aussi ${partners.join(', ')} ; donnez à chaque environnement son fichier`,
  'rows-to-remove': ({ rows }) =>
    `une autre cellule de la ligne parle d’un retrait, et import ajoute : ${listed('fr', rows)} ; ôtez ces lignes, et retirez les numéros par remove`,
  'rows-hidden': ({ rows }) =>
    `masqué dans le classeur, par un filtre ou à la main : ${listed('fr', rows)} ; affichez ces lignes, ou supprimez-les`,
  'sheet-hidden': () => 'le classeur masque cette feuille ; désignez celle qui est voulue par --sheet',
  'name-typography': ({ characters, values }) =>
    `contient ${characters.join(', ')} dans ${quotedAll(values)}, que messageries et traitements de texte mettent à la place d’une espace, d’un trait d’union ou d’une apostrophe simples ; un nom se compare caractère par caractère : écrivez-le comme le certificat`,
}

export const findingTexts: Readonly<Record<Language, FindingTexts>> = { en, fr }

const repaired: Readonly<Record<Language, Readonly<Record<Repair, string>>>> = {
  en: {
    zero: 'lost zero put back',
    spaces: 'spaces',
    case: 'lower case',
    apostrophe: 'apostrophe',
    decimals: 'decimals',
  },
  fr: {
    zero: 'zéro perdu remis',
    spaces: 'espaces',
    case: 'minuscules',
    apostrophe: 'apostrophe',
    decimals: 'décimales',
  },
}

function quotedAll(texts: readonly string[]): string {
  return texts.map((text) => `\`${text}\``).join(', ')
}

function englishBy(by: 'subject' | 'publicKey'): string {
  return by === 'subject' ? 'its subject' : 'its public key'
}

function frenchBy(by: 'subject' | 'publicKey'): string {
  return by === 'subject' ? 'son sujet' : 'sa clé publique'
}

function listed(language: Language, rows: readonly RowOf[]): string {
  const row = language === 'fr' ? 'ligne' : 'row'
  return shortened(
    language,
    rows.map((each) => `${row} ${each.row} ${each.number}`),
  )
}

function some(language: Language, texts: readonly string[], [one, many]: readonly [string, string]): string {
  return `${texts.length === 1 ? one : many} ${shortened(language, texts)}`
}

function shortened(language: Language, texts: readonly string[]): string {
  const left = texts.length - mostRows
  const shown = texts.slice(0, mostRows).join(', ')
  if (left <= 0) return shown
  return language === 'fr' ? `${shown} et ${left} de plus` : `${shown} and ${left} more`
}
