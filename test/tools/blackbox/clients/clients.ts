import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const JAVA = fileURLToPath(new URL('Get.java', import.meta.url));
const PYTHON = `import sys, urllib.request as u
headers = {"Authorization": sys.argv[2]} if len(sys.argv) > 2 else {}
sys.stdout.write(u.urlopen(u.Request(sys.argv[1], headers=headers)).read().decode())`;
const PHP = `$header = isset($argv[2]) ? "Authorization: $argv[2]" : "";
$body = file_get_contents($argv[1], false, stream_context_create(["http" => ["header" => $header]]));
if ($body === false) exit(1);
echo $body;`;
const RUBY = 'print URI.open(ARGV[0], ARGV[1] ? { "Authorization" => ARGV[1] } : {}).read';
const PERL = `my $answer = LWP::UserAgent->new->get($ARGV[0], $ARGV[1] ? (Authorization => $ARGV[1]) : ());
print $answer->content;
exit !$answer->is_success;`;

type Client = [name: string, program: string, args: (url: string, ...header: string[]) => string[]];

/** Programs that follow redirects and take the header Authorization along: what to run for a URL and its header. */
export const CARRYING_CLIENTS: Client[] = [
  ["Java's HttpClient", 'java', (...given) => ['-XX:TieredStopAtLevel=1', JAVA, ...given]],
  ["Python's urllib", 'python3', (...given) => ['-c', PYTHON, ...given]],
  ["PHP's streams", 'php', (...given) => ['-r', PHP, '--', ...given]],
  ["Ruby's open-uri", 'ruby', (...given) => ['-ropen-uri', '-e', RUBY, ...given]],
  ["Perl's LWP", 'perl', (...given) => ['-MLWP::UserAgent', '-e', PERL, ...given]],
  ['wget', 'wget', (url, ...header) => ['-qO-', ...header.map((it) => `--header=Authorization: ${it}`), url]],
];

/** What a program prints; null when it is not there or has failed. */
export async function printed(program: string, args: string[]): Promise<string | null> {
  const { NODE_OPTIONS, ...env } = process.env;
  const options = { env, timeout: 60_000, maxBuffer: 16 * 2 ** 20 };
  return promisify(execFile)(program, args, options).then(
    ({ stdout }) => stdout,
    () => null,
  );
}
