/* Django labels the search field of each of its two lists with a picture drawn in CSS, on an element whose role allows
   no name; the role "img" allows one. Lists are drawn when the page loads, and again for each part that is added to a
   form later. */
'use strict';
{
    const draw = window.SelectFilter.init;
    window.SelectFilter.init = function(...given) {
        draw.apply(this, given);
        for (const icon of document.querySelectorAll('.selector .search-label-icon[aria-label]')) {
            icon.setAttribute('role', 'img');
        }
    };
}
