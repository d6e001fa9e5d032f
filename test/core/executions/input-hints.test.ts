import { describe, expect, it } from 'vitest';
import { inputHint } from '../../../src/core/executions/input-hints.ts';

describe('how programs are kept from asking', () => {
  it.each([
    ['apt', 'apt install jq', '-y'],
    ['apt-get', 'apt-get upgrade', 'DEBIAN_FRONTEND=noninteractive'],
    ['dpkg', 'dpkg -i a.deb', '--force-confold'],
    ['npm init', 'npm init', 'npm init -y'],
    ['node', 'cd x && npm create vite@latest', 'npm init -y'],
    ['node', 'npx create-vite', 'npx --yes'],
    ['node', 'yarn create vite', 'yarn init -y'],
    ['node', 'pnpm create vite', 'pnpm create'],
    ['less', 'git log', '--no-pager'],
    ['less', 'cd repo; git diff HEAD~1', 'git --no-pager'],
    ['less', 'man ls', 'MANPAGER=cat'],
    ['less', 'journalctl -u x', '--no-pager'],
    ['less', 'less notes.txt', 'PAGER=cat'],
    ['vim', 'git commit', 'git commit -m'],
    ['nano', 'git rebase -i HEAD~3', 'GIT_SEQUENCE_EDITOR=true'],
    ['editor', 'git merge topic', '--no-edit'],
    ['vim', 'vim a.txt', 'files, action "edit"'],
    ['git', 'git push', 'GIT_TERMINAL_PROMPT=0'],
    ['ssh', 'git clone git@host:x', 'BatchMode=yes'],
    ['ssh-keygen', 'ssh-keygen -t ed25519', "-N ''"],
    ['sudo', 'sudo make install', 'sudo -n'],
    ['pip', 'pip uninstall requests', 'pip uninstall -y'],
    ['python3', 'python3 -m pip uninstall requests', 'pip uninstall -y'],
    ['conda', 'conda create -n x', 'conda -y'],
    ['python3', 'python3', 'python -c'],
    ['python3', 'ansible-playbook site.yml --ask-vault-pass', '--vault-password-file'],
    ['terraform', 'terraform apply', '-auto-approve'],
    ['rm', 'rm -i *', 'rm -f'],
    ['cp', 'cp -i a b', '-n leaves'],
    ['unzip', 'unzip a.zip', 'unzip -o'],
    ['docker', 'docker login registry', '--password-stdin'],
    ['gpg', 'gpg -d x.gpg', '--batch'],
    ['openssl', 'openssl req -new -key k', '-batch'],
    ['openssl', 'openssl rsa -in k', '-passin'],
    ['passwd', 'passwd me', 'chpasswd'],
    ['top', 'top', 'top -b'],
    ['gdb', 'gdb ./a', '-batch'],
    ['gh', 'gh pr create', 'GH_PROMPT_DISABLED'],
    ['bash', 'read -p "Name? " n', 'stdin'],
    ['cat', 'cat', 'end: true'],
  ])('%s in %j: %s', (program, run, hint) => expect(inputHint(program, run, false)).toContain(hint));

  it('a password is another question than a prompt', () => {
    expect(inputHint('psql', 'psql db', true)).toContain('PGPASSWORD');
    expect(inputHint('psql', 'psql db', false)).toContain("-c 'SQL'");
    expect(inputHint('unzip', 'unzip a.zip', true)).toContain('-P');
  });

  it.each([
    ['mytool', './mytool'],
    ['python3', 'python3 ask.py'],
    ['node', 'node ask.js'],
    ['bash', './thread.sh'],
    ['mytool', 'echo a-gh-b; ./mytool'],
  ])('says nothing of %s in %j', (program, run) => expect(inputHint(program, run, false)).toBeUndefined());

  it('knows the kernel cuts names at fifteen characters', () =>
    expect(inputHint('ansible-playboo', 'x', false)).toContain('--vault-password-file'));
});
