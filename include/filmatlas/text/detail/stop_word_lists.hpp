// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_STOP_WORD_LISTS_HPP
#define FILMATLAS_TEXT_DETAIL_STOP_WORD_LISTS_HPP

#include <string_view>

/// @file stop_word_lists.hpp
/// @brief Function words of languages: articles, pronouns, prepositions, conjunctions, auxiliaries and the
/// commonest adverbs. Written for this library.

namespace filmatlas::detail {

struct StopWordList {
    std::string_view name;
    std::string_view code;   ///< ISO 639-1
    std::string_view words;  ///< lower case, parted by blanks
};

// clang-format off
inline constexpr StopWordList stop_word_lists[] = {
    {"arabic", "ar",
     "من إلى الى عن على في مع هذا هذه ذلك تلك التي الذي الذين اللذان اللتان ما لا لم لن هو هي هم هن هما أنا نحن أنت أنتم "
     "كان كانت كانوا يكون تكون ليس ليست أن إن ان أو او و ثم بل لكن قد كل بعض أي بين بعد قبل عند عندما حيث حتى كما إذا "
     "اذا لأن منذ خلال حول دون فوق تحت أمام وراء غير سوى فقط أيضا ايضا جدا هنا هناك به بها له لها لهم فيه فيها عليه عليها "
     "منه منها إليه إليها وهو وهي ولا وقد وفي ومن كيف متى أين لماذا هل نعم أما إما مثل ضد نحو يا"},
    {"chinese", "zh",
     "一个 一些 一种 这个 那个 这些 那些 这样 那样 这里 那里 我们 你们 他们 她们 它们 自己 什么 怎么 为什 没有 不是 就是 还是 但是 "
     "可是 因为 所以 如果 虽然 然而 而且 或者 以及 并且 不过 只是 只有 已经 正在 之后 之前 以后 以前 时候 可以 可能 应该 能够 必须 "
     "非常 十分 其中 其他 其它 由于 关于 对于 通过 根据 为了 除了 以及 及其 于是 还有 也是 都是 的是 了一 是一 的一 在一 "
     "的 了 是 在 和 与 或 也 就 都 而 及 着 被 把 对 从 到 于 之 其 以 等"},
    {"danish", "da",
     "af alle alt anden at blev blive bliver da de dem den denne der deres det dette dig din disse dit dog du efter eller "
     "en end er et for fordi fra få får før ham han hans har havde have hende hendes her hos hun hvad hvem hver hvilke "
     "hvis hvor hvordan hvorfor i ikke ind ingen ja jeg jer jeres jo kan kunne lige man mange med meget men mens mere mig "
     "min mine mit mod ned nej noget nogle nu når og også om op os over på sammen samt selv sig sin sine sit skal skulle "
     "som sådan så thi til ud under var ved vi vil ville vor være været"},
    {"dutch", "nl",
     "aan al alleen alles als altijd andere ben bij daar dan dat de deze die dit doch doen door dus echter een eens en er "
     "ge geen geweest haar had hadden heb hebben heeft hem het hier hij hoe hun ieder iemand iets ik in is ja je jij "
     "jouw jullie kan kon kunnen maar me meer men met mij mijn moet na naar niet niets nog nu of om omdat ons onze ook op "
     "over reeds sinds te tegen terwijl toch toen tot tussen u uit uw van vanaf veel voor waar waarom want waren was wat "
     "we wel werd wezen wie wij wil worden wordt zal ze zelf zich zij zijn zo zonder zou zouden"},
    {"finnish", "fi",
     "ei eivät en että emme et ette he heidän heidät heille heitä hän hänelle hänen hänet häntä itse ja jo johon joiden "
     "joissa joita joka jonka jos jossa josta jota jotka kaikki kanssa keiden ken ketkä kuin kuinka kuka kun kuten me "
     "meidän meidät meitä mihin mikä miksi minkä minulla minun minut minä missä mistä mitkä mitä mukaan mutta myös ne "
     "niiden niin niitä noin nuo nyt nämä näiden näitä olemme olen olet olette oli olimme olin olisi olit olivat olla "
     "ollut on ovat sekä sen siihen siinä siitä sillä sinun sinä sitä se siis tai te teidän tämä tämän tässä tätä vaan "
     "vain vaikka vielä voi yli"},
    {"french", "fr",
     "ai aie ainsi alors après as assez au aucun aucune aujourd aura aurait auront aussi autre autres aux avaient avais "
     "avait avant avec avez avoir avons ayant bien car ce ceci cela celle celles celui cependant ces cet cette ceux chaque "
     "chez ci comme comment contre dans de depuis des deux devant donc dont du durant elle elles en encore entre es est et "
     "eu eux fait faire fois font furent fut grâce hors ici il ils jamais je jusque jusqu la là laquelle le lequel les "
     "lesquels leur leurs lors lorsque lui ma mais malgré me même mêmes mes mien moi moins mon ne ni non nos notre nous on "
     "ont or ou où par parce parmi pas pendant peu peut peuvent plus plusieurs plutôt pour pourquoi presque puis puisque "
     "qu quand que quel quelle quelles quelque quelques quels qui quoi sa sans se selon sera serait seront ses si sien "
     "sinon soi soit son sont sous suis sur ta tandis te tel telle tes toi ton tous tout toute toutes très trop tu un une "
     "vers voici voilà vos votre vous était étaient étant été êtes être"},
    {"german", "de",
     "ab aber alle allem allen aller alles als also am an andere anderem anderen anderer anderes auch auf aus bei beim bin "
     "bis bist da dabei dadurch dafür dagegen daher damit danach dann daran darauf daraus darin darum darüber das dass "
     "davon dazu daß dein deine deinem deinen deiner dem den denen denn der deren des dessen dich die dies diese diesem "
     "diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines einige einigen einmal er es etwas euch "
     "euer eure für gegen gewesen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren "
     "ihrer ihres im immer in indem ins ist ja jede jedem jeden jeder jedes jedoch jene jenem jenen jener jetzt kann kein "
     "keine keinem keinen keiner können konnte konnten könnte machen man manche mehr mein meine meinem meinen meiner mich "
     "mir mit muss musste müssen nach nachdem nicht nichts noch nun nur ob oder ohne schon sehr sein seine seinem seinen "
     "seiner seines seit selbst sich sie sind so sobald sogar solche soll sollen sollte sondern sonst sowie um und uns "
     "unser unsere unserem unseren unter viel vom von vor wann war waren warum was weg weil weiter welche welchem welchen "
     "welcher welches wenn wer werde werden werdet wie wieder will wir wird wirst wo wobei wollen wollte wurde wurden "
     "während würde würden zu zum zur zwar zwischen über"},
    {"greek", "el",
     "ο η το οι τα του της των τον την τους τις ένα ένας μια μία και ή αλλά όμως ότι πως που αν όταν ενώ γιατί επειδή να θα "
     "δεν μην μη με σε από για προς κατά μετά παρά αντί χωρίς μέχρι ως σαν όπως πολύ πιο μόνο ακόμα ακόμη πάντα ποτέ τώρα "
     "εδώ εκεί είναι ήταν είμαι είσαι έχει έχουν είχε είχαν εγώ εσύ αυτός αυτή αυτό αυτοί αυτές αυτά μου σου μας σας στο "
     "στη στην στον στους στις στα κάθε όλα όλοι όλες κάποιος κάποια τι ποιος ποια"},
    {"hindi", "hi",
     "का की के को में से पर और है हैं था थी थे यह वह ये वे एक इस उस इन उन कि जो तो भी ही नहीं ने हो होता होती होते कर करता "
     "करती करते करने किया लिए साथ तक या अपने अपनी अपना कुछ कोई जब तब अब बाद बहुत रहा रही रहे गया गई गए मैं हम तुम आप उसके "
     "उसकी उनके इसके इसकी जिसे जैसे क्या क्यों कैसे कहाँ लेकिन अगर फिर द्वारा हुआ हुई हुए सकता सकते दो"},
    {"indonesian", "id",
     "ada adalah agar akan aku anda antara apa apakah atas atau bagaimana bagi bahwa baik banyak beberapa belum bisa bukan "
     "dalam dan dapat dari daripada dengan dia di harus hanya hingga ia ini itu jika juga kami kamu karena ke kepada "
     "ketika kita lagi lain lebih maka masih mereka namun oleh pada para pernah pun saat saja sambil sampai sangat saya "
     "sebagai sebelum sebuah sedang sehingga sejak selama seorang seperti serta setelah setiap sudah supaya tanpa telah "
     "tentang tersebut tetapi tidak untuk yaitu yang"},
    {"italian", "it",
     "abbia abbiamo ad ai agli al alla alle allo allora altre altri altro anche ancora avere aveva avevano avuto ben che chi "
     "ci ciò cioè coi col come con contro cosa cosi così cui da dagli dai dal dalla dalle dallo degli dei del della delle "
     "dello dentro di dopo dove due durante ed egli ella entrambi era erano essa esse essere essi fa fare fino fra già gli "
     "ha hanno ho il in infatti io la là le lei li lo loro lui lungo ma mai me mentre mi mia mie miei mio molto ne negli "
     "nei nel nella nelle nello no noi non nostra nostro ogni ora per perché però più poco poi possono prima proprio può "
     "qua quale quali quando quanto quasi quel quella quelle quelli quello questa queste questi questo qui quindi sarà se "
     "sei sempre senza si sia siamo siano sono sopra sotto sta stata stati stato su sua sue sugli sui sul sulla sulle "
     "sullo suo suoi tra troppo tu tua tue tuo tutta tutte tutti tutto un una uno verso vi voi vostra vostro è"},
    {"japanese", "ja",
     "する して した しま ます まし です でし した ない なか ある あっ いる いた いて いう られ れる れた れて なる なっ なり こと もの "
     "ため とき よう その この あの どの それ これ あれ どれ ここ そこ さん から まで より など では には とは への での との にも とも "
     "ても でも のは のが のを のに ので のだ だっ った って ってい てい てき てし てく せる さて また しか かし だが そし ほか なく "
     "くな という とい いう うに ように が の を に へ と は も で や か な だ た て し い"},
    {"korean", "ko",
     "이 그 저 것 수 등 들 및 더 또 또는 그리고 그러나 하지만 그런데 그래서 때문에 위해 위한 대한 대해 통해 함께 있는 있다 있었다 "
     "없는 없다 하는 하다 한다 했다 하고 하여 하며 되는 된다 되다 되었다 같은 이런 그런 저런 어떤 모든 다른 여러 매우 아주 가장 "
     "나는 내가 나의 너는 우리 우리는 그는 그가 그의 그녀 그녀는 그녀의 그들은 자신의 이것 그것 저것 여기 거기 무엇 누구 언제 어디 왜 어떻게 "
     "한 두 세 다시 이제 아직 이미 만 도 은 는 가 을 를 에 의 와 과 로 으로 에서 에게"},
    {"norwegian", "no",
     "alle at av bare begge ble blei bli blir blitt både da de deg dem den denne der dere deres det dette di din disse "
     "ditt du eg ei eit eller elles en enn er et etter for fordi fra før gjennom ha hadde han hans har hennes her hjå ho "
     "hun hva hvem hver hvilke hvilken hvis hvor hvordan hvorfor i ikke ikkje ingen inn ja jeg kan kom kun kunne man mange "
     "med meg meget mellom men mens mer min mine mitt mot mye må ned no noe noen nå når og også om opp oss over på samme "
     "seg selv sin sine sitt skal skulle slik som så til ut uten var ved vi vil ville vår være vært"},
    {"polish", "pl",
     "aby ale ani aż bardzo bez bo by byli był była było być będzie będą ci cię co czy dla do gdy gdyby gdzie go i ich ile "
     "im inne inny ja jak jako je jeden jednak jego jej jemu jest jestem jeszcze jeśli jeżeli już ją kiedy kilka kto która "
     "które którego której który których którym którzy ku lecz lub ma mam mają mi mnie mną moja moje mój może mu my na nad "
     "nam nas nasz nawet nic nich nie niego niej nim nimi niż no o od on ona one oni ono oraz pan po pod podczas ponad "
     "ponieważ poza przed przede przez przy raz razem również sam są się siebie skąd sobie swoich swoje swojego swoją swój "
     "ta tak taka taki takie także tam te tego tej ten też to tobie tu tutaj twoja twój ty tych tylko tym u w wam was we "
     "więc wszyscy wszystkich wszystko właśnie z za zawsze ze że żeby"},
    {"portuguese", "pt",
     "ao aos apenas aquela aquelas aquele aqueles aquilo as até cada com como contra da das de dela delas dele deles "
     "depois desde dessa desse desta deste do dos durante e ela elas ele eles em enquanto entre era eram essa essas esse "
     "esses esta estas este estes está estão estava eu foi foram for há isso isto já la lhe lhes lo mais mas me mesmo meu "
     "meus minha minhas muito na nas nem no nos nossa nosso num numa não nós o onde os ou para pela pelas pelo pelos "
     "perante pode podem por porque porém pouco qual quando que quem quer se seja sem sempre ser será seu seus sob sobre "
     "sua suas são só também te tem tendo ter teu teve tinha toda todas todo todos tu tua tudo têm um uma umas uns você "
     "vocês vos à às é"},
    {"russian", "ru",
     "а без более больше будет будто бы был была были было быть в вам вас ведь весь во вот впрочем все всегда всего всех "
     "всю вы где да даже два для до другой его ее ей ему если есть еще ещё ею её же за здесь и из или им их к как какая "
     "какой ко когда кого кто который которая которые которого которой ли либо лишь между меня мне много может можно мой "
     "моя мы на над надо наконец нас не него нее ней нельзя нет ни нибудь никогда ним них ничего но ну о об один он она "
     "они оно опять от перед по под после потом потому почти при про раз разве с сам свой свою своего своей себе себя "
     "сейчас со совсем так такой там тебя тем теперь то тогда того тоже только том тот ты у уж уже хоть хотя чего чем "
     "через что чтобы чуть эта эти этих это этого этой этом этот эту я"},
    {"spanish", "es",
     "a al algo algunas alguno algunos ante antes aquel aquella aquello así aunque bajo bien cada casi como con contra cual "
     "cuales cualquier cuando cuya cuyo cómo de del desde donde dos durante e el ella ellas ello ellos en entonces entre "
     "era eran eres es esa esas ese eso esos esta estaba estado estar estas este esto estos está están fue fueron ha había "
     "habían haber han hasta hay he hemos incluso la las le les lo los mas me mi mientras mis mismo mucho muchos muy más mí "
     "nada ni no nos nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque pues que quien quienes "
     "qué quién se sea según ser será si sido siempre sin sino sobre sola solo son su sus suya suyo sí sólo también tan "
     "tanto te tener tengo tiene tienen toda todas todavía todo todos tras tu tus tuvo tú un una unas uno unos vosotros y "
     "ya yo él éste ésta"},
    {"swedish", "sv",
     "alla allt att av bara blev bli blir blivit de dem den denna deras dess dessa det detta dig din dina ditt du då där "
     "efter ej eller en er era ett från för genom ha hade han hans har henne hennes hon honom hur här i icke ingen inom "
     "inte jag ju kan kunde man med mellan men mer mig min mina mitt mot mycket många måste ni nu någon något några när och "
     "också om oss på sedan sig sin sina sitt själv ska skall skulle som så sådan till under upp ur ut utan vad var vara "
     "varför varit varje vars vem vi vid vilka vilken vilket vill vår våra vårt än är åt över"},
    {"thai", "th",
     "นี้ นั้น และ หรือ แต่ ที่ ใน ของ เป็น ได้ ให้ มี ไม่ จะ กับ จาก โดย เพื่อ ซึ่ง เมื่อ แล้ว ก็ ว่า ไป มา อยู่ คือ ต้อง "
     "ทำ ถึง ด้วย กัน คน เขา เธอ เรา ผม ฉัน มัน"},
    {"turkish", "tr",
     "acaba ama ancak artık aslında az bana bazı belki ben benden beni benim beri bile bir biri birkaç birçok biz bize "
     "bizi bizim bu buna bunda bundan bunu bunun burada bütün da daha de defa değil diye dolayı dolayısıyla eğer en fakat "
     "gibi göre hangi hatta hem henüz hep hepsi her herkes hiç için ile ilgili ise işte kadar karşı kendi kendini kez ki "
     "kim kimi mi mu mı mü nasıl ne neden nerede niye o olan olarak oldu olduğu olduğunu olmak olsa olur ona ondan onlar "
     "onları onların onu onun oysa pek rağmen sadece sana sanki sen senden seni senin siz sizi sizin sonra tarafından tüm "
     "var ve veya ya yani yapmak yerine yine yok zaten çok çünkü üzere şey şu şöyle"},
    {"vietnamese", "vi",
     "và của là có cho không được trong một những các với này đó khi để từ đến người ra vào như cũng đã sẽ đang rất nhiều "
     "hơn nhưng nếu thì mà vì bởi nên theo tại trên dưới sau trước về lại chỉ còn anh chị em ông bà tôi chúng ta họ nó mình "
     "ai gì nào sao thế ở bị do rằng hay hoặc cùng qua"},
};
// clang-format on

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_STOP_WORD_LISTS_HPP
