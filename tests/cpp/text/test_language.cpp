// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "filmatlas/text/language.hpp"

using namespace filmatlas;

TEST_CASE("language_hint: sentences of many languages") {
    const std::pair<const char*, const char*> known[] = {
        {"en", "A young man and his dog are lost in the mountains, and nobody is looking for them."},
        {"de", "Ein junger Mann und sein Hund haben sich in den Bergen verirrt, und niemand sucht nach ihnen."},
        {"fr", "Un jeune homme et son chien se sont perdus dans les montagnes, et personne ne les cherche."},
        {"es", "Un joven y su perro se han perdido en las montañas, y nadie los está buscando por allí."},
        {"it", "Un giovane e il suo cane si sono persi nelle montagne, e nessuno li sta cercando."},
        {"pt", "Um jovem e o seu cão estão perdidos nas montanhas, e ninguém os procura por aqui."},
        {"nl", "Een jonge man en zijn hond zijn verdwaald in de bergen, en niemand zoekt naar hen."},
        {"sv", "En ung man och hans hund har gått vilse i bergen, och ingen letar efter dem."},
        {"pl", "Młody człowiek i jego pies zgubili się w górach, ale nikt ich tam nie szuka."},
        {"tr", "Genç bir adam ve köpeği dağlarda kaybolur, ama onları arayan hiç kimse yok."},
        {"ru", "Молодой человек и его собака заблудились в горах, но никто их не ищет."},
        {"ar", "ضاع شاب وكلبه في الجبال ولم يبحث عنهما أحد"},
        {"ja", "若い男と彼の犬は山で道に迷ったが、誰も探していない。"},
        {"zh", "一个年轻人和他的狗在山里迷路了，没有人在寻找他们。"},
        {"ko", "한 젊은이와 그의 개가 산에서 길을 잃었지만 아무도 찾지 않는다."},
        {"th", "ชายหนุ่มและสุนัขของเขาหลงทางในภูเขา"},
        {"el", "Ένας νέος και ο σκύλος του χάθηκαν στα βουνά."},
        {"hi", "एक युवक और उसका कुत्ता पहाड़ों में खो गए हैं।"},
        {"he", "צעיר וכלבו הלכו לאיבוד בהרים"}};
    for (const auto& [code, text] : known) {
        CAPTURE(text);
        const LanguageHint hint = language_hint(text);
        CHECK(hint.code == code);
        CHECK(hint.confidence > 0);
        CHECK(hint.confidence <= 1);
    }
}

TEST_CASE("language_hint: what cannot be told is not guessed") {
    for (const char* text : {"", "12, 1984!", "Robot Monster", "dystopia, android, cyberpunk", "\xFF\xFE"}) {
        CAPTURE(text);
        CHECK(language_hint(text).code.empty());
    }
}
